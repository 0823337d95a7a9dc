"""Normalization kernels against NumPy's mean and variance."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import normalization as kernels


def slope(function, values, direction, grad):
    """The directional derivative of ``sum(grad * function(values))``, by central differences."""
    step = 1e-6
    ahead, behind = function(values + step * direction), function(values - step * direction)
    return (grad * (ahead - behind)).sum() / (2 * step)


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (2, 3, 4, 2)])
def test_batch_norm(shape):
    rng = np.random.default_rng(0)
    x, weight, bias = rng.standard_normal(shape) + 2, rng.random(3), rng.random(3)
    axes = (0, *range(2, len(shape)))
    spread = (-1, *[1] * (len(shape) - 2))

    def expected(x):
        normal = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        return normal * weight.reshape(spread) + bias.reshape(spread)

    result, mean, variance = kernels.native_batch_norm(np, x, weight, bias, 1e-5)
    np.testing.assert_allclose(result, expected(x), atol=1e-12)
    np.testing.assert_allclose(mean, x.mean(axes))
    np.testing.assert_allclose(variance, x.var(axes))
    grad, direction = rng.standard_normal(shape), rng.standard_normal(shape)
    back = kernels.native_batch_norm_backward(np, grad, x, weight, mean, variance, 1e-5)
    np.testing.assert_allclose(
        (back[0] * direction).sum(), slope(expected, x, direction, grad), rtol=1e-5
    )
    normal = (expected(x) - bias.reshape(spread)) / weight.reshape(spread)
    np.testing.assert_allclose(back[1], (grad * normal).sum(axes))
    np.testing.assert_allclose(back[2], grad.sum(axes))


@pytest.mark.parametrize("sizes", [(4,), (3, 4)])
def test_layer_norm(sizes):
    rng = np.random.default_rng(0)
    x, weight, bias = rng.standard_normal((2, 3, 4)), rng.random(sizes), rng.random(sizes)
    axes = tuple(range(3 - len(sizes), 3))

    def expected(x):
        normal = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        return normal * weight + bias

    result, mean, rstd = kernels.native_layer_norm(np, x, sizes, weight, bias, 1e-5)
    np.testing.assert_allclose(result, expected(x), atol=1e-12)
    np.testing.assert_allclose(mean, x.mean(axes, keepdims=True))
    grad, direction = rng.standard_normal(x.shape), rng.standard_normal(x.shape)
    back = kernels.native_layer_norm_backward(np, grad, x, sizes, weight, mean, rstd)
    np.testing.assert_allclose(
        (back[0] * direction).sum(), slope(expected, x, direction, grad), rtol=1e-5
    )
    outside = tuple(range(3 - len(sizes)))
    np.testing.assert_allclose(back[2], grad.sum(outside))


def test_an_offset_far_larger_than_the_spread_keeps_the_variance():
    x = (np.arange(8.0).reshape(4, 2) + 1e4).astype(np.float32)
    _, _, variance = kernels.native_batch_norm(np, x, None, None, 1e-5)
    np.testing.assert_allclose(variance, [5.0, 5.0], rtol=1e-5)
