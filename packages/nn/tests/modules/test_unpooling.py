"""Max unpooling: the maxima return to where they came from.

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
        (nn.MaxUnpool1d(2), "MaxUnpool1d(kernel_size=(2,), stride=(2,), padding=(0,))"),
        (
            nn.MaxUnpool1d((2,), (1,), (0,)),
            "MaxUnpool1d(kernel_size=(2,), stride=(1,), padding=(0,))",
        ),
        (nn.MaxUnpool2d(2, 3, 1), "MaxUnpool2d(kernel_size=(2, 2), stride=(3, 3), padding=(1, 1))"),
        (nn.MaxUnpool2d((2, 3)), "MaxUnpool2d(kernel_size=(2, 3), stride=(2, 3), padding=(0, 0))"),
        (
            nn.MaxUnpool3d(2, (3, 2, 1), 1),
            "MaxUnpool3d(kernel_size=(2, 2, 2), stride=(3, 2, 1), padding=(1, 1, 1))",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize(
    ("pool", "unpool", "shape"),
    [
        (nn.MaxPool1d, nn.MaxUnpool1d, (2, 3, 8)),
        (nn.MaxPool2d, nn.MaxUnpool2d, (2, 3, 4, 6)),
        (nn.MaxPool3d, nn.MaxUnpool3d, (2, 3, 4, 2, 6)),
    ],
)
def test_maxima_at_their_places(pool, unpool, shape):
    values = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape) + 1.0
    pooled, indices = pool(2, return_indices=True)(lc.from_numpy(values))
    expected = np.where(np.isin(values, pooled.numpy()), values, 0.0)
    close(unpool(2)(pooled, indices), expected)


def test_output_size_decides():
    pooled, indices = nn.MaxPool1d(2, return_indices=True)(lc.tensor([[[1.0, 3.0, 2.0, 5.0, 4.0]]]))
    close(nn.MaxUnpool1d(2)(pooled, indices), [[[0.0, 3.0, 0.0, 5.0]]])
    close(nn.MaxUnpool1d(2)(pooled, indices, output_size=(5,)), [[[0.0, 3.0, 0.0, 5.0, 0.0]]])
