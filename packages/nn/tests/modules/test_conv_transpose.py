"""Transposed convolutions, against convolutions and sums by NumPy.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.ConvTranspose1d(2, 4, 3), "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(1,))"),
        (
            nn.ConvTranspose1d(2, 4, (3,), 2, 1, 1, 2, False, 2),
            "ConvTranspose1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), "
            "dilation=(2,), output_padding=(1,), groups=2, bias=False)",
        ),
        (
            nn.ConvTranspose2d(4, 2, 3, 2, (1, 0), 1, 2),
            "ConvTranspose2d(4, 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 0), "
            "output_padding=(1, 1), groups=2)",
        ),
        (
            nn.ConvTranspose2d(4, 2, (3, 2), dilation=(1, 2)),
            "ConvTranspose2d(4, 2, kernel_size=(3, 2), stride=(1, 1), dilation=(1, 2))",
        ),
        (
            nn.ConvTranspose3d(4, 2, 3, (2, 1, 1), 1, (1, 0, 0)),
            "ConvTranspose3d(4, 2, kernel_size=(3, 3, 3), stride=(2, 1, 1), padding=(1, 1, "
            "1), output_padding=(1, 0, 0))",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_each_element_adds_its_kernel():
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2, bias=False)
    layer.load_state_dict({"weight": lc.tensor([[[1.0, 10.0, 100.0]]])})
    close(layer(lc.tensor([[[1.0, 2.0]]])), [[[1.0, 10.0, 102.0, 20.0, 200.0]]])


@pytest.mark.parametrize(
    ("up", "down", "shape"),
    [
        (nn.ConvTranspose1d, nn.Conv1d, (2, 3, 5)),
        (nn.ConvTranspose2d, nn.Conv2d, (2, 3, 4, 5)),
        (nn.ConvTranspose3d, nn.Conv3d, (1, 3, 2, 3, 4)),
    ],
)
def test_adjoint_of_the_convolution(up, down, shape):
    transpose = up(3, 2, 3, stride=2, padding=1, bias=False).double()
    forward = down(2, 3, 3, stride=2, padding=1, bias=False).double()
    forward.load_state_dict(transpose.state_dict())
    random = np.random.default_rng(3)
    y = lc.from_numpy(random.standard_normal(shape))
    up_y = transpose(y)
    x = lc.from_numpy(random.standard_normal(tuple(up_y.shape)))
    np.testing.assert_allclose((forward(x) * y).sum().item(), (x * up_y).sum().item())


def test_requested_size():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=(2, 3))
    x = lc.ones(1, 2, 4, 4)
    assert tuple(layer(x).shape) == (1, 3, 9, 12)
    assert tuple(layer(x, output_size=(10, 14)).shape) == (1, 3, 10, 14)
    assert tuple(layer(x[0], output_size=(3, 10, 13)).shape) == (3, 10, 13)


def test_wrong_sizes():
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2)
    x = lc.ones(1, 2, 4, 4)
    with pytest.raises(ValueError, match="output_size must have 2 or 4 elements"):
        layer(x, output_size=(9,))
    with pytest.raises(ValueError, match="requested an output size of .9, 12."):
        layer(x, output_size=(9, 12))
    with pytest.raises(ValueError, match='Only "zeros" padding mode is supported'):
        nn.ConvTranspose1d(2, 3, 3, padding_mode="reflect")
    with pytest.raises(ValueError, match="out_channels must be divisible by groups"):
        nn.ConvTranspose1d(2, 3, 3, groups=2)


def test_shape_of_the_weight():
    assert tuple(nn.ConvTranspose3d(4, 6, (1, 2, 3), groups=2).weight.shape) == (4, 3, 1, 2, 3)
