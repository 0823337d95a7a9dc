"""Activations by blocks: gelu against Python's own error function, the others against NumPy."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

import lamella_core as core
import lamella_nn.kernels  # noqa: F401  (registers the kernels)
from lamella_core.ops.activation import gelu, gelu_backward
from lamella_nn.ops.activation import hardtanh, silu, silu_backward

# More elements than a block has, and a last block that is not full.
X = np.linspace(-13.9, 13.9, 140001)
TAIL = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in X])
DENSITY = np.exp(-X * X / 2) / math.sqrt(2 * math.pi)


def test_float32_needs_no_scipy_and_is_exact_to_rounding() -> None:
    x = core.tensor(X, dtype=core.float32)
    found = gelu(x).numpy()
    np.testing.assert_allclose(found, X * TAIL, rtol=2e-7, atol=1.5e-7)
    # Where 1 + erf(x) has lost most of its digits: PyTorch is off by 7e-3 here.
    far = (X > -4) & (X < -2)
    np.testing.assert_allclose(found[far], (X * TAIL)[far], rtol=4e-4)
    slope = gelu_backward(core.ones_like(x), x, approximate="none").numpy()
    np.testing.assert_allclose(slope, TAIL + X * DENSITY, rtol=2e-7, atol=8e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_form_by_tanh(dtype: str) -> None:
    x = core.tensor(X, dtype=getattr(core, dtype))
    inner = math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    expected = 0.5 * X * (1 + np.tanh(inner))
    np.testing.assert_allclose(gelu(x, approximate="tanh").numpy(), expected, atol=tolerance * 5)
    found = gelu_backward(core.full_like(x, 2), x, approximate="tanh").numpy()
    step = 1e-6
    above, below = (
        0.5 * y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
        for y in (X + step, X - step)
    )
    np.testing.assert_allclose(found, (above - below) / step, atol=max(5 * tolerance, 1e-8))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3)])
def test_shapes_and_memory_order_stay(shape: Any) -> None:
    x = core.ones(shape)
    assert gelu(x).shape == shape
    turned = core.arange(6.0).reshape(2, 3).mT
    assert gelu(turned).stride() == (1, 3)
    np.testing.assert_array_equal(gelu(turned).numpy(), gelu(turned.contiguous()).numpy())


@pytest.mark.parametrize("function", [gelu, silu])
def test_large_arrays_of_several_layouts(function: Any) -> None:
    """Made of blocks: a transpose, gaps, a gradient of another layout than the input."""
    core.manual_seed(0)
    for x in (core.randn(400, 900).t(), core.randn(400, 1800)[:, ::2]):
        np.testing.assert_array_equal(function(x).numpy(), function(x.contiguous()).numpy())
        grad = core.randn(*x.shape)
        slope = silu_backward if function is silu else partial(gelu_backward, approximate="none")
        found = slope(grad, x).numpy()
        np.testing.assert_allclose(found, slope(grad, x.contiguous()).numpy(), rtol=1e-6)


def test_infinities_and_nan() -> None:
    found = gelu(core.tensor([math.inf, math.nan, 0.0])).numpy()
    np.testing.assert_array_equal(found, [math.inf, math.nan, 0.0])
    # Numbers whose powers are beyond the type.
    far = core.tensor([-3e38, -1e20, -1e10, -1e3, 1e3, 1e10, 1e20, 3e38])
    for approximate in ("none", "tanh"):
        found = gelu(far, approximate=approximate)
        np.testing.assert_array_equal(found.numpy(), np.maximum(far.numpy(), 0))
    slope = gelu_backward(core.ones_like(far), far, approximate="none")
    np.testing.assert_array_equal(slope.numpy(), far.numpy() > 0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_silu(dtype: str) -> None:
    kind = getattr(core, dtype)
    x = core.tensor(X).to(kind)
    exact = X / (1 + np.exp(-X))
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(silu(x).numpy(), exact, rtol=tolerance, atol=tolerance)
    grad = core.full_like(x, 2)
    slope = 2 * (1 + X * (1 - 1 / (1 + np.exp(-X)))) / (1 + np.exp(-X))
    found = silu_backward(grad, x).numpy()
    np.testing.assert_allclose(found, slope, rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("size", [10, 200_000])
def test_hardtanh_clips_and_keeps_what_pytorch_keeps(size) -> None:
    # PyTorch 2.13: a negative zero inside the bounds and NaN stay.
    given = np.tile(np.array([-2, -0.0, 0.5, 7, np.nan], np.float32), size // 5)
    result = hardtanh(core.from_numpy(given), -1, 6).numpy()
    expected = np.tile(np.array([-1, -0.0, 0.5, 6, np.nan], np.float32), size // 5)
    np.testing.assert_array_equal(result, expected)
    assert np.signbit(result[1])
