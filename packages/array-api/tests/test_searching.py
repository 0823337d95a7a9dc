"""Searching, sets and sorting against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_array_api as xp

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]
REAL = ("int32", "uint8", "uint16", "uint32", "uint64", "float32", "float64")


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_extremes(agree: Agree, sample: Sample, name: str, dtype: str) -> None:
    x = sample(dtype, 3, 4)
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            agree(lambda xp, a, axis=axis, k=keepdims: getattr(xp, name)(
                a(x), axis=axis, keepdims=k))  # fmt: skip


@pytest.mark.parametrize("dtype", [*REAL, "bool", "complex64"])
def test_counting_and_choosing(agree: Agree, sample: Sample, dtype: str) -> None:
    x, y = sample(dtype, 2, 3), sample(dtype, 3)
    for axis in (None, 0, (0, 1), ()):
        for keepdims in (False, True):
            if axis != ():
                agree(lambda xp, a, axis=axis, k=keepdims: xp.count_nonzero(
                    a(x), axis=axis, keepdims=k))  # fmt: skip
    agree(lambda xp, a: xp.nonzero(a(x)))
    agree(lambda xp, a: xp.where(a(x != 0), a(x), a(y)))
    agree(lambda xp, a: xp.where(a(x != 0), a(x), a(y[0].astype("complex128"))))
    if dtype.startswith("float"):
        agree(lambda xp, a: xp.where(a(x > 0), a(x), 0))
        agree(lambda xp, a: xp.where(a(x > 0), 1.5, a(x)))
    with pytest.raises(ValueError, match="at least 1 dimension"):
        xp.nonzero(xp.asarray(1))


@pytest.mark.parametrize("dtype", [*REAL, "bool"])
def test_sets(agree: Agree, sample: Sample, dtype: str) -> None:
    for shape in ((7,), (3, 4), (), (0,)):
        x = sample(dtype, *shape)
        for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
            agree(lambda xp, a, x=x, n=name: _ordered(getattr(xp, n)(a(x))))
    assert xp.unique_all(xp.asarray([1, 1]))._fields == (
        "values", "indices", "inverse_indices", "counts",
    )  # fmt: skip


def _ordered(result: Any) -> Any:
    # NumPy's tuples have attributes but no _fields, and its unique_values no order.
    if isinstance(result, tuple):
        return tuple(result)
    return np.sort(result) if isinstance(result, np.ndarray) else result


@pytest.mark.parametrize("dtype", REAL)
def test_sorting(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample(dtype, 4, 6)
    for axis in (0, 1, -1):
        agree(lambda xp, a, axis=axis: xp.sort(a(x), axis=axis))
        agree(lambda xp, a, axis=axis: xp.argsort(a(x), axis=axis, stable=True))
        found = xp.sort(xp.asarray(x), axis=axis, descending=True).numpy()
        np.testing.assert_array_equal(found, np.flip(np.sort(x, axis=axis), axis))
    equal = xp.argsort(xp.asarray([1, 0, 1, 0]), descending=True)
    assert equal.tolist() == [0, 2, 1, 3]
    for side in ("left", "right"):
        agree(lambda xp, a, side=side: xp.searchsorted(
            xp.sort(a(x[0])), a(x), side=side))  # fmt: skip
    order = np.argsort(x[0], kind="stable")
    agree(lambda xp, a: xp.searchsorted(a(x[0]), a(x[1]), sorter=a(order)))


def test_unique_complex_numbers(agree: Agree) -> None:
    x = np.array([[2 + 1j, 1 - 1j, 2 + 1j], [1 + 3j, 1 - 1j, 0]])
    for values in (x, x[:0], x[0, 0]):
        for name in ("unique_all", "unique_counts", "unique_inverse"):
            agree(lambda xp, a, n=name, v=values: getattr(xp, n)(a(v)))
        # NumPy's own function of this name does not sort.
        assert xp.unique_values(xp.asarray(values)).tolist() == np.unique(values).tolist()
