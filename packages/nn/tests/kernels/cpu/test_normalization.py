"""Layer normalisation by rows and threads, against NumPy in double precision."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from lamella_core import parallel
from lamella_nn.kernels.cpu.normalization import (
    native_batch_norm,
    native_batch_norm_backward,
    native_layer_norm,
    native_layer_norm_backward,
)

# Few elements; one block and several; a row longer than a block; the last two dimensions together.
SHAPES = [
    ((5, 7), 1),
    ((2, 3, 4, 5), 2),
    ((700, 384), 1),
    ((9, 3, 1000), 1),
    ((40, 30, 50), 2),
    ((3, 70000), 1),
    ((40, 30000), 1),
]


@pytest.fixture(params=[1, 3])
def threads(request: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(parallel.state, "count", request.param)
    monkeypatch.setattr(parallel.state, "pool", None)


def reference(x: Any, axes: tuple[int, ...], weight: Any, bias: Any, eps: float) -> Any:
    centered = x - x.mean(axes, keepdims=True)
    rstd = 1 / np.sqrt((centered**2).mean(axes, keepdims=True) + eps)
    return centered * rstd * weight + bias, rstd


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("shape", "dims"), SHAPES)
def test_forward_and_backward(shape: Any, dims: int, affine: bool, threads: None) -> None:
    random = np.random.default_rng(0)
    axes = tuple(range(-dims, 0))
    x = random.standard_normal(shape) * 3 + 100
    grad = random.standard_normal(shape)
    sizes = shape[-dims:]
    weight = random.standard_normal(sizes) if affine else None
    bias = random.standard_normal(sizes) if affine else None
    scale, shift = (1.0, 0.0) if weight is None else (weight, bias)
    output, mean, rstd = native_layer_norm(x, sizes, weight, bias, 1e-3)
    expected, expected_rstd = reference(x, axes, scale, shift, 1e-3)
    np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(mean, x.mean(axes, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(rstd, expected_rstd, rtol=1e-10)
    found = native_layer_norm_backward(grad, x, sizes, weight, mean, rstd)
    normal = (x - mean) * rstd
    scaled = grad * scale
    to_input = rstd * (
        scaled
        - scaled.mean(axes, keepdims=True)
        - normal * (scaled * normal).mean(axes, keepdims=True)
    )
    lead = tuple(range(len(shape) - dims))
    np.testing.assert_allclose(found[0], to_input, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found[1], (grad * normal).sum(lead), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found[2], grad.sum(lead), rtol=1e-9, atol=1e-10)


def test_a_large_mean_does_not_cancel_the_variance() -> None:
    x = np.random.default_rng(1).standard_normal((200, 256)).astype(np.float32) + 1000
    output, _, _ = native_layer_norm(x, (256,), None, None, 0.0)
    expected, _ = reference(x.astype(np.float64), (-1,), 1.0, 0.0, 0.0)
    np.testing.assert_allclose(output, expected, atol=2e-3)


def test_rows_with_gaps_and_16_bit_weights() -> None:
    x = np.random.default_rng(2).standard_normal((128, 2, 256)).astype(np.float32)[:, 0]
    weight = np.full(256, 2, np.float16)
    output, mean, rstd = native_layer_norm(x, (256,), weight, None, 1e-5)
    expected, _ = reference(x.astype(np.float64), (-1,), 2.0, 0.0, 1e-5)
    np.testing.assert_allclose(output, expected, atol=1e-5)
    grad = np.ones((1, 256), np.float32)
    found = native_layer_norm_backward(
        np.broadcast_to(grad, x.shape), x, (256,), weight, mean, rstd
    )
    np.testing.assert_allclose(found[0], 0, atol=1e-5)
    np.testing.assert_allclose(found[2], 128)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(6, 3), (1, 3, 8), (4, 3, 5, 2), (40, 20, 30)])
def test_batch_norm(shape: Any, affine: bool) -> None:
    random = np.random.default_rng(1)
    axes = (0, *range(2, len(shape)))
    x = random.standard_normal(shape) * 3 + 100
    channels = (shape[1],) + (1,) * (len(shape) - 2)
    weight = random.standard_normal(shape[1]) if affine else None
    bias = random.standard_normal(shape[1]) if affine else None
    scale, shift = (
        (1.0, 0.0) if weight is None else (weight.reshape(channels), bias.reshape(channels))
    )
    output, mean, variance = native_batch_norm(x, weight, bias, 1e-3)
    np.testing.assert_allclose(output, reference(x, axes, scale, shift, 1e-3)[0], atol=1e-10)
    np.testing.assert_allclose(mean, x.mean(axes))
    np.testing.assert_allclose(variance, x.var(axes))
    assert output.flags.c_contiguous


@pytest.mark.parametrize("shape", [(4, 6), (300, 500)])
def test_half_precision_is_computed_in_float32(shape: Any, threads: None) -> None:
    random = np.random.default_rng(3)
    x, grad = (random.standard_normal(shape).astype(np.float16) for _ in range(2))
    weight = random.standard_normal(shape[1]).astype(np.float16)
    wide = x.astype(np.float32), (shape[1],), weight.astype(np.float32)
    found = native_layer_norm(x, (shape[1],), weight, None, 1e-5)
    expected = native_layer_norm(*wide, None, 1e-5)
    for result, value in zip(found, expected, strict=True):
        assert result.dtype == np.float16
        np.testing.assert_allclose(result, value, rtol=1e-3, atol=1e-4)
    statistics = expected[1].astype(np.float16), expected[2].astype(np.float16)
    found = native_layer_norm_backward(grad, x, (shape[1],), weight, *statistics)
    centered = x.astype(float) - statistics[0]
    normal = centered * statistics[1]
    scaled = grad * weight.astype(float)
    slope = scaled - scaled.mean(1, keepdims=True)
    slope = (slope - normal * (scaled * normal).mean(1, keepdims=True)) * statistics[1]
    np.testing.assert_allclose(found[0], slope, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(found[1], (grad * normal).sum(0), rtol=2e-3, atol=2e-2)
    np.testing.assert_allclose(found[2], grad.astype(float).sum(0), rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize("shape", [(4, 6, 5), (16, 50, 300)])
def test_batch_norm_of_half_precision(shape: Any) -> None:
    random = np.random.default_rng(4)
    x, grad = (random.standard_normal(shape).astype(np.float16) for _ in range(2))
    result, mean, variance = native_batch_norm(x, None, None, 1e-5)
    wide = x.astype(float)
    centered = wide - wide.mean((0, 2))[:, None]
    assert result.dtype == mean.dtype == variance.dtype == np.float16
    rstd = 1 / np.sqrt(wide.var((0, 2)) + 1e-5)[:, None]
    np.testing.assert_allclose(result, centered * rstd, rtol=2e-3, atol=2e-3)
    found = native_batch_norm_backward(grad, x, None, mean, variance, 1e-5)
    np.testing.assert_allclose(found[1], (grad * centered * rstd).sum((0, 2)), rtol=5e-3, atol=5e-2)
    np.testing.assert_allclose(found[2], grad.astype(float).sum((0, 2)), rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize("shape", [(3, 0), (0, 5), (0,)])
def test_layer_norm_of_no_numbers_of_half_precision(shape: Any) -> None:
    x = np.zeros(shape, np.float16)
    result, mean, rstd = native_layer_norm(x, shape[-1:], None, None, 1e-5)
    assert result.shape == shape and result.dtype == np.float16
    assert mean.shape == rstd.shape == (*shape[:-1], 1)
    slopes = native_layer_norm_backward(x, x, shape[-1:], None, mean, rstd)
    assert [each.shape for each in slopes] == [shape, shape[-1:], shape[-1:]]
    assert not slopes[1].any() and not slopes[2].any()


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 3, 5)])
def test_batch_norm_of_no_numbers_of_half_precision(shape: Any, dtype: Any) -> None:
    x = np.zeros(shape, dtype)
    result, mean, variance = native_batch_norm(x, None, None, 1e-5)
    assert result.shape == shape and result.dtype == mean.dtype == dtype
    assert mean.shape == variance.shape == (3,)
    slopes = native_batch_norm_backward(x, x, None, mean, variance, 1e-5)
    assert slopes[0].shape == shape and not slopes[2].any()
