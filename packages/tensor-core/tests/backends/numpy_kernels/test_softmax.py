"""Softmax by rows and threads, against its definition in NumPy."""

from typing import Any

import numpy as np
import pytest

from lamella_core import parallel
from lamella_core.backends.numpy_kernels import softmax as kernels


@pytest.fixture(params=[1, 3])
def threads(request: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(parallel.state, "count", request.param)
    monkeypatch.setattr(parallel.state, "pool", None)


def by_definition(x: Any, axis: int) -> Any:
    exponents = np.exp(x - x.max(axis, keepdims=True))
    return exponents / exponents.sum(axis, keepdims=True)


# One block and several, a row longer than a block, a narrow row, another dimension.
@pytest.mark.parametrize(
    ("shape", "dim"), [((500, 700), 1), ((4, 5, 1000), -1), ((2, 70000), 1), ((9000, 3), 1),
                       ((300, 200), 0), ((3, 4), -1)],
)  # fmt: skip
def test_softmax(shape: Any, dim: int, threads: None) -> None:
    random = np.random.default_rng(0)
    x, grad = random.standard_normal(shape) * 50, random.standard_normal(shape)
    expected = by_definition(x, dim)
    np.testing.assert_allclose(kernels.softmax(x, dim), expected, rtol=1e-11, atol=1e-300)
    logarithm = kernels.log_softmax(x, dim)
    np.testing.assert_allclose(np.exp(logarithm), expected, rtol=1e-10, atol=1e-300)
    slope = expected * (grad - (grad * expected).sum(dim, keepdims=True))
    found = kernels.softmax_backward(grad, expected, dim)
    np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-14)


def test_a_gradient_of_another_memory_order() -> None:
    random = np.random.default_rng(1)
    result = by_definition(random.standard_normal((200, 300)), 1)
    grad = random.standard_normal((300, 200)).T
    slope = result * (grad - (grad * result).sum(1, keepdims=True))
    np.testing.assert_allclose(kernels.softmax_backward(grad, result, 1), slope, atol=1e-14)


def test_masked_places_get_nothing() -> None:
    x = np.zeros((200, 256), np.float32)
    x[:, 100:] = -np.inf
    found = kernels.softmax(x, 1)
    np.testing.assert_allclose(found[:, :100], 0.01, rtol=1e-6)
    assert not found[:, 100:].any()


@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 4), 1), ((500, 700), 1), ((500, 700), 0), ((4, 5, 40000), 1)]
)
def test_half_precision_and_other_dimensions_in_parts(shape: Any, dim: int, threads: None) -> None:
    random = np.random.default_rng(1)
    x, grad = (random.standard_normal(shape).astype(np.float16) for _ in range(2))
    expected = by_definition(x.astype(float), dim)
    for dtype, rough in ((np.float16, 4e-3), (np.float32, 1e-4)):
        result = kernels.softmax(x.astype(dtype), dim)
        logarithm = kernels.log_softmax(x.astype(dtype), dim)
        slope = kernels.softmax_backward(grad.astype(dtype), result, dim)
        of_logarithm = kernels.log_softmax_backward(grad.astype(dtype), logarithm, dim)
        assert result.dtype == logarithm.dtype == slope.dtype == of_logarithm.dtype == dtype
        wide = grad.astype(float)
        np.testing.assert_allclose(result, expected, rtol=rough, atol=1e-7)
        np.testing.assert_allclose(logarithm, np.log(expected), rtol=rough, atol=rough)
        mean = (wide * expected).sum(dim, keepdims=True)
        np.testing.assert_allclose(slope, expected * (wide - mean), rtol=rough, atol=rough)
        share = expected * wide.sum(dim, keepdims=True)
        np.testing.assert_allclose(of_logarithm, wide - share, rtol=rough, atol=3 * rough)
