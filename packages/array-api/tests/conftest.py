"""What the array API's tests share: one call under NumPy, whose namespace conforms, and ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_array_api as array_api
import lamella_core as lc

Call = Callable[[Any, Callable[[Any], Any]], Any]


def _compare(expected: Any, found: Any, exact_dtype: bool) -> None:
    if isinstance(expected, (tuple, list)) and not hasattr(expected, "dtype"):
        assert len(found) == len(expected)
        assert getattr(found, "_fields", None) in (None, getattr(expected, "_fields", None))
        for one, other in zip(expected, found, strict=True):
            _compare(one, other, exact_dtype)
        return
    assert isinstance(found, lc.Tensor), type(found)
    array = found.detach().numpy()
    expected = np.asarray(expected)
    assert array.shape == expected.shape
    if exact_dtype:
        assert array.dtype == expected.dtype
    single = array.dtype in (np.float32, np.complex64)
    np.testing.assert_allclose(
        array, expected, rtol=1e-4 if single else 1e-9, atol=1e-5 if single else 1e-10
    )


@pytest.fixture
def agree() -> Callable[..., None]:
    """Checks that a call ``(xp, asarray)`` gives the same under both."""

    def check(call: Call, exact_dtype: bool = True) -> None:
        with np.errstate(all="ignore"):
            expected = call(np, np.asarray)
        found = call(array_api, lambda a: array_api.asarray(np.asarray(a)))
        _compare(expected, found, exact_dtype)

    return check


@pytest.fixture
def sample() -> Callable[..., np.ndarray]:
    """Numbers of a type and shape, the same each time."""
    return _sample


def _sample(dtype: Any, *shape: int, low: float = -3, high: float = 3) -> np.ndarray:
    rng = np.random.default_rng(len(shape) + sum(shape))
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(0 if kind == "u" else int(low), int(high) + 1, shape).astype(dtype)
    real = rng.uniform(low, high, shape)
    return (real + 1j * rng.uniform(low, high, shape) if kind == "c" else real).astype(dtype)
