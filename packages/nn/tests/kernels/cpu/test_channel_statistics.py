"""Normalization of arrays that do not lie row-major, or are of half precision, in float64."""

from typing import Any

import numpy as np
import pytest

from lamella_nn.kernels.cpu import channel_statistics as kernels
from lamella_nn.kernels.cpu.group_norm import native_group_norm, native_group_norm_backward
from lamella_nn.kernels.cpu.normalization import (
    channel_dot,
    native_batch_norm,
    native_batch_norm_backward,
    scale_channels,
)

SHAPES = [(5, 4, 40, 60), (2, 4, 300, 200), (300, 180), (40, 6, 25, 30)]


def images(shape: tuple[int, ...], kind: str) -> Any:
    x = np.random.default_rng(0).standard_normal(shape) * 2 + 1
    if kind == "half":
        return x.astype(np.float16)
    if kind == "cut":
        spaced = np.zeros((*shape[:-1], 2 * shape[-1]))
        spaced[..., ::2] = x
        return spaced[..., ::2]
    if kind == "half channels-last":
        last = np.ascontiguousarray(np.moveaxis(x.astype(np.float16), 1, -1))
        return np.moveaxis(last, -1, 1)
    return x.T.copy().T


@pytest.mark.parametrize("shape", SHAPES)
def test_parts_cover_everything_once(shape: tuple[int, ...]) -> None:
    count = np.zeros(shape)
    for part in kernels.parts_of(shape):
        count[part] += 1
    assert (count == 1).all()


@pytest.mark.parametrize("kind", ["half", "cut", "half channels-last", "turned"])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm(shape: tuple[int, ...], kind: str) -> None:
    x = images(shape, kind)
    assert kernels.lies_apart(x)
    wide = x.astype(np.float64)
    inside = (0, *range(2, x.ndim))
    form = (-1, *[1] * (x.ndim - 2))
    weight, bias = np.random.default_rng(1).standard_normal((2, shape[1])).astype(x.dtype)
    rough = {"rtol": 4e-3, "atol": 8e-3} if x.dtype == np.float16 else {"rtol": 1e-9, "atol": 1e-9}
    result, mean, variance = native_batch_norm(x, weight, bias, 1e-5)
    assert result.dtype == mean.dtype == variance.dtype == x.dtype
    np.testing.assert_allclose(mean, wide.mean(inside), **rough)
    np.testing.assert_allclose(variance, wide.var(inside), **rough)
    rstd = 1 / np.sqrt(wide.var(inside) + 1e-5).reshape(form)
    normal = (wide - wide.mean(inside, keepdims=True)) * rstd
    scale, shift = (each.astype(np.float64).reshape(form) for each in (weight, bias))
    np.testing.assert_allclose(result, normal * scale + shift, **rough)

    grad = np.random.default_rng(2).standard_normal(shape).astype(x.dtype)
    above = grad.astype(np.float64)
    found, to_weight, to_bias = native_batch_norm_backward(grad, x, weight, mean, variance, 1e-5)
    means = [(each * scale).mean(inside, keepdims=True) for each in (above, above * normal)]
    expected = rstd * (above * scale - means[0] - normal * means[1])
    np.testing.assert_allclose(found, expected, **rough)
    sums = {"rtol": 1e-2, "atol": 1.0} if x.dtype == np.float16 else rough
    np.testing.assert_allclose(to_weight, (above * normal).sum(inside), **sums)
    np.testing.assert_allclose(to_bias, above.sum(inside), **sums)


@pytest.mark.parametrize("kind", ["half", "cut", "half channels-last", "turned"])
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1], SHAPES[3]])
def test_group_norm(shape: tuple[int, ...], kind: str) -> None:
    x = images(shape, kind)
    batch, channels, *sizes = shape
    wide = x.astype(np.float64).reshape(batch, 2, channels // 2, -1)
    weight, bias = np.random.default_rng(1).standard_normal((2, channels)).astype(x.dtype)
    rough = {"rtol": 4e-3, "atol": 8e-3} if x.dtype == np.float16 else {"rtol": 1e-9, "atol": 1e-9}
    result, mean, variance = native_group_norm(x, 2, weight, bias, 1e-5)
    np.testing.assert_allclose(mean, wide.mean((2, 3)), **rough)
    np.testing.assert_allclose(variance, wide.var((2, 3)), **rough)
    rstd = 1 / np.sqrt(wide.var((2, 3), keepdims=True) + 1e-5)
    normal = (wide - wide.mean((2, 3), keepdims=True)) * rstd
    scale, shift = (each.astype(np.float64).reshape(2, -1, 1) for each in (weight, bias))
    np.testing.assert_allclose(result, (normal * scale + shift).reshape(shape), **rough)

    grad = np.random.default_rng(2).standard_normal(shape).astype(x.dtype)
    above = grad.astype(np.float64).reshape(wide.shape)
    found, to_weight, to_bias = native_group_norm_backward(grad, x, 2, weight, mean, variance, 1e-5)
    means = [(each * scale).mean((2, 3), keepdims=True) for each in (above, above * normal)]
    expected = rstd * (above * scale - means[0] - normal * means[1])
    np.testing.assert_allclose(found, expected.reshape(shape), **rough)
    sums = {"rtol": 1e-2, "atol": 1.0} if x.dtype == np.float16 else rough
    np.testing.assert_allclose(to_weight, (above * normal).sum((0, 3)).reshape(-1), **sums)
    np.testing.assert_allclose(to_bias, above.sum((0, 3)).reshape(-1), **sums)


def test_scales_and_sums_of_channels() -> None:
    x = images((2, 3, 70, 80), "half")
    scale, shift = np.float32([2, 3, 4]), np.float32([1, 0, -1])
    form = (3, 1, 1)
    wide = x.astype(np.float32)
    found = scale_channels(x, scale, shift)
    assert found.dtype == np.float16
    expected = wide * scale.reshape(form) + shift.reshape(form)
    np.testing.assert_array_equal(found, expected.astype(np.float16))
    dots = channel_dot(x, x)
    assert dots.dtype == np.float32
    np.testing.assert_allclose(dots, (wide.astype(np.float64) ** 2).sum((0, 2, 3)), rtol=1e-5)
