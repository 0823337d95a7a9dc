"""Convolutions: values that PyTorch 2.13 printed, gradients, and errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def numbers(*shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape))


def ramp(*shape):
    return torch.arange(float(np.prod(shape))).reshape(shape)


def check_gradient(function, *tensors):
    """First and second derivatives along random directions against central differences."""
    rng = np.random.default_rng(7)
    weights = torch.tensor(rng.standard_normal(function(*tensors).shape))
    directions = [torch.tensor(rng.standard_normal(t.shape)) for t in tensors]

    def first(*values):
        return (function(*values) * weights).sum()

    def along(*values):
        """The slope along the directions, with a graph of its own."""
        grads = autograd.grad(first(*values), values, create_graph=True)
        return sum((g * d).sum() for g, d in zip(grads, directions, strict=True))

    def moved(step):
        return [(t + step * d).requires_grad_() for t, d in zip(tensors, directions, strict=True)]

    ahead, here, behind = moved(1e-6), moved(0.0), moved(-1e-6)
    slope = float((first(*ahead) - first(*behind)).detach()) / 2e-6
    total = along(*here)
    assert float(total.detach()) == pytest.approx(slope, rel=1e-5)
    curve = float((along(*ahead) - along(*behind)).detach()) / 2e-6
    second = autograd.grad(total, here, allow_unused=True)
    found = sum(
        float((g * d).sum()) for g, d in zip(second, directions, strict=True) if g is not None
    )
    assert found == pytest.approx(curve, rel=1e-4, abs=1e-6)


def test_conv2d_known_values():
    # torch.nn.functional.conv2d(ramp(1,1,3,3), ramp(1,1,2,2), torch.tensor([1.]), padding=1)
    result = F.conv2d(ramp(1, 1, 3, 3), ramp(1, 1, 2, 2), torch.tensor([1.0]), padding=1)
    assert result[0, 0].tolist() == [
        [1.0, 4.0, 9.0, 5.0],
        [10.0, 20.0, 26.0, 11.0],
        [22.0, 38.0, 44.0, 17.0],
        [7.0, 8.0, 9.0, 1.0],
    ]


def test_conv_transpose_is_the_adjoint():
    x, w = numbers(2, 3, 6, 5), numbers(3, 4, 3, 3, seed=1)
    y = F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1)
    assert y.shape == (2, 4, 12, 10)
    g = numbers(2, 4, 12, 10, seed=2)
    back = F.conv2d(g, w, stride=2, padding=1)
    assert float((g * y).sum()) == pytest.approx(float((back * x).sum()))


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": 1},
        {"stride": 2, "padding": 1, "dilation": 2},
        {"padding": "same"},
        {"groups": 2},
    ],
)
def test_gradients(settings):
    groups = settings.get("groups", 1)
    x, w, b = numbers(2, 4, 6, 5), numbers(6, 4 // groups, 3, 2, seed=1), numbers(6, seed=2)
    check_gradient(lambda x, w, b: F.conv2d(x, w, b, **settings), x, w, b)


def test_gradients_with_output_padding_beyond_the_stride():
    x, w = numbers(1, 2, 4, seed=3), numbers(2, 3, 2, seed=4)
    check_gradient(lambda x, w: F.conv_transpose1d(x, w, output_padding=1, dilation=2), x, w)


def test_without_a_batch():
    x, w = numbers(3, 6, 5), numbers(4, 3, 2, 2, seed=1)
    assert F.conv2d(x, w).tolist() == F.conv2d(x.unsqueeze(0), w)[0].tolist()


def test_half_precision_is_summed_in_single():
    x = torch.ones(1, 4096, 1, 1, dtype=torch.float16)
    w = torch.ones(1, 4096, 1, 1, dtype=torch.float16)
    result = F.conv2d(x, w)
    assert result.dtype is torch.float16
    assert result.item() == 4096.0


ERRORS = [
    (
        ((64, 3, 8, 8), (16, 1, 3, 3)),
        {},
        r"Given groups=1, weight of size \[16, 1, 3, 3\], expected input\[64, 3, 8, 8\] to have 1 "
        r"channels, but got 3 channels instead",
    ),
    (
        ((1, 1, 2, 2), (1, 1, 3, 3)),
        {},
        r"padded input size per channel: \(2 x 2\). Kernel size: \(3 x 3\)",
    ),
    (((1, 1, 8, 8), (1, 1, 3, 3)), {"stride": 0}, "non-positive stride"),
    (((1, 1, 8, 8), (1, 1, 3, 3)), {"padding": -1}, "negative padding"),
    (((1, 1, 8, 8), (1, 1, 3, 3)), {"padding": "full"}, "Invalid padding string"),
    (((1, 1, 8, 8), (1, 1, 3, 3)), {"padding": "same", "stride": 2}, "strided convolutions"),
    (((8, 8), (1, 1, 3, 3)), {}, r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d"),
    (((1, 3, 8, 8), (16, 1, 3, 3)), {"groups": 3}, "divisible by 3 at dimension 0"),
]


@pytest.mark.parametrize(("shapes", "settings", "message"), ERRORS)
def test_errors(shapes, settings, message):
    with pytest.raises(RuntimeError, match=message):
        F.conv2d(torch.zeros(shapes[0]), torch.zeros(shapes[1]), **settings)


def test_dtypes_must_agree():
    x, w = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 2, 2)
    with pytest.raises(RuntimeError, match="expected scalar type Double but found Float"):
        F.conv2d(x.double(), w)
    with pytest.raises(RuntimeError, match="bias type"):
        F.conv2d(x, w, torch.zeros(1, dtype=torch.float64))
    with pytest.raises(RuntimeError, match=r"bias to be 1-dimensional with 1 elements.*\[2\]"):
        F.conv2d(x, w, torch.zeros(2))


def test_unfold_and_fold():
    x = ramp(1, 1, 3, 3)
    columns = F.unfold(x, 2)
    assert columns[0, 0].tolist() == [0.0, 1.0, 3.0, 4.0]
    assert F.fold(columns, 3, 2)[0, 0].tolist() == [[0, 2, 2], [6, 16, 10], [6, 14, 8]]
    with pytest.raises(RuntimeError, match="divisible by the product of kernel_size"):
        F.fold(torch.zeros(1, 5, 4), 3, 2)


@pytest.mark.parametrize("setting", [True, [True], (True, 1)])
def test_a_bool_is_no_setting_of_windows(setting) -> None:
    """PyTorch looks at the first of several alone."""
    x, weight = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2)
    for call in (
        lambda: F.conv2d(x, weight, stride=setting),
        lambda: F.conv_transpose2d(x, weight, dilation=setting),
        lambda: F.max_pool2d(x, setting),
        lambda: F.unfold(x, 2, padding=setting),
    ):
        with pytest.raises(TypeError, match="must be an int"):
            call()
    assert F.conv2d(x, weight, stride=(1, True)).shape == (1, 1, 3, 3)
