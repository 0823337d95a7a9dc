"""Convolutions of half precision in parts, against those of all in double precision."""

from __future__ import annotations

import warnings
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lamella_core.dispatch import backends, kernel_of
from lamella_nn.kernels import convolution as whole
from lamella_nn.kernels import windows
from lamella_nn.kernels.cpu import convolution as kernels

SETTINGS = [
    # shape, features, groups, kernel, stride, padding, dilation
    pytest.param((2, 3, 260, 190), 4, 1, (3, 2), 1, 1, 1, id="rows of images"),
    pytest.param((2, 4, 260, 190), 6, 2, (3, 3), 2, 2, 2, id="with a stride"),
    pytest.param((60, 8, 20, 20), 8, 1, (3, 3), 1, 0, 1, id="small images"),
    pytest.param((2, 6, 210, 190), 6, 6, (3, 3), 1, 1, 1, id="a channel a group"),
    pytest.param((1, 3, 90_000), 2, 1, (5,), 1, 2, 1, id="a sequence"),
    pytest.param((2, 8, 100, 100), 3, 1, (1, 1), 1, 0, 1, id="pointwise"),
]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("shape", "features", "groups", "kernel", "stride", "padding", "dilation"), SETTINGS
)
def test_parts(
    shape: Any,
    features: int,
    groups: int,
    kernel: Any,
    stride: int,
    padding: int,
    dilation: int,
    last: bool,
    dtype: Any,
) -> None:
    dims = len(kernel)
    if last and dims < 2:
        pytest.skip("channels-last has four dimensions")
    rng = np.random.default_rng(0)
    settings = (stride,) * dims, (padding,) * dims, (dilation,) * dims, groups
    input = rng.standard_normal(shape).astype(dtype)
    weight = rng.standard_normal((features, shape[1] // groups, *kernel)).astype(dtype)
    bias = rng.standard_normal(features).astype(dtype)
    if last:
        input = np.moveaxis(np.ascontiguousarray(np.moveaxis(input, 1, -1)), -1, 1)
    exact, of_weight = input.astype(np.float64), weight.astype(np.float64)
    expected = whole.convolution(np, exact, of_weight, bias.astype(np.float64), *settings)
    grad = rng.standard_normal(expected.shape).astype(dtype)
    above = grad.astype(np.float64)
    pairs = [
        (kernels.convolution(input, weight, bias, *settings), expected),
        (
            kernels.convolution_input_grad(grad, weight, shape[2:], *settings),
            whole.convolution_input_grad(np, above, of_weight, shape[2:], *settings),
        ),
        (
            kernels.convolution_weight_grad(input, grad, kernel, *settings),
            whole.convolution_weight_grad(np, exact, above, kernel, *settings),
        ),
    ]
    # Half a unit in the last place, and float32's own errors.
    unit = 2.0**-11 if dtype is np.float16 else 2.0**-8
    for found, right in pairs:
        assert found.dtype == dtype
        close = np.abs(found.astype(np.float64) - right) <= 1.01 * unit * np.abs(right) + 2e-3
        assert close.all()


@pytest.mark.parametrize("size", [8, 400])
def test_overflow_is_silent(size: int) -> None:
    input, weight = np.full((1, 2, size, size), 300.0), np.full((2, 2, 3, 3), 300.0)
    settings = (1, 1), (0, 0), (1, 1), 1
    kernel = kernel_of("convolution", backends["cpu"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = kernel(input.astype(np.float16), weight.astype(np.float16), None, *settings)
    assert result.dtype == np.float16 and np.isposinf(result).all()


@pytest.mark.parametrize("groups", [1, 8])
@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_of_inputs_need_little_beside_them(peak: Any, stride: int, groups: int) -> None:
    """Of float16, 8 channels of 500 x 500 numbers are 4 MB, as float32 they were 8 more."""
    kernel = kernel_of("convolution_input_grad", backends["cpu"])
    grad = np.ones((1, 8, 500 // stride, 500 // stride), np.float16)
    weight = np.ones((8, 8 // groups, 3, 3), np.float16)
    given = grad, weight, (500, 500), (stride,) * 2, (1, 1), (1, 1), groups
    kernel(*given)
    with peak:
        result = kernel(*given)
    assert peak.most < result.nbytes + 1.2e6
    # A place in the middle of three windows along each dimension, or of one.
    assert result[0, 0, 250, 250] == (9 if stride == 1 else 1) * 8 // groups


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (2, 3), (7, 2), (3, 5)])
@pytest.mark.parametrize("groups", [1, 2])
def test_rows_of_sums(monkeypatch: Any, kernel: int, stride: int, groups: int) -> None:
    """One row of windows at a time gives what all of them give, also rows that no window meets."""
    monkeypatch.setattr(whole, "BLOCK_ELEMENTS", 1)
    monkeypatch.setattr(whole, "ROWS_ELEMENTS", 1)
    monkeypatch.setattr(windows, "_PART", 1)
    random = np.random.default_rng(1)
    size, padding = 17, 1
    out = (size + 2 * padding - kernel) // stride + 1
    grad = random.standard_normal((2, 2, out, out))
    weight = random.standard_normal((2, 2 // groups, kernel, kernel))
    settings = (stride,) * 2, (padding,) * 2, (1, 1), groups
    found = whole.convolution_input_grad(np, grad, weight, (size, size), *settings)
    expected = np.zeros((2, 2, size + 2 * padding, size + 2 * padding))
    for n, f, i, j in np.ndindex(*grad.shape):
        channels = slice(None) if groups == 1 else slice(f, f + 1)
        rows, columns = (slice(k * stride, k * stride + kernel) for k in (i, j))
        expected[n, channels, rows, columns] += grad[n, f, i, j] * weight[f]
    np.testing.assert_allclose(found, expected[:, :, 1:-1, 1:-1], atol=1e-12)


def test_no_channels() -> None:
    """Sums over nothing are 0."""
    input, weight = np.empty((1, 0, 4, 4), np.float16), np.empty((2, 0, 3, 3), np.float16)
    result = kernels.convolution(input, weight, None, (1, 1), (0, 0), (1, 1), 1)
    assert result.shape == (1, 2, 2, 2) and result.dtype == np.float16 and not result.any()
