"""Statistics and utilities against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_array_api as xp

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]
AXES = (None, 0, -1, (0, 2), (0, 1, 2))
INTS = ("int8", "int32", "int64")
REAL = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
FUNCTIONS = {
    "sum": (*INTS, *REAL, *COMPLEX), "prod": (*INTS, *REAL, *COMPLEX), "mean": (*REAL, *COMPLEX),
    "max": ("uint8", *INTS, *REAL), "min": ("uint8", *INTS, *REAL), "std": REAL, "var": REAL,
    "any": ("bool", "uint8", *INTS, *REAL, *COMPLEX), "all": ("bool", "uint8", *REAL, *COMPLEX),
}  # fmt: skip


@pytest.mark.parametrize(("name", "dtype"), [(n, d) for n, ds in FUNCTIONS.items() for d in ds])
def test_over_axes(agree: Agree, sample: Sample, name: str, dtype: str) -> None:
    x = sample(dtype, 2, 3, 4, low=-2, high=2)
    for axis in AXES:
        for keepdims in (False, True):
            agree(lambda xp, a, axis=axis, k=keepdims: getattr(xp, name)(
                a(x), axis=axis, keepdims=k))  # fmt: skip
    agree(lambda xp, a: getattr(xp, name)(a(x[0, 0, 0])))
    if name not in ("std", "var", "mean"):
        agree(lambda xp, a: getattr(xp, name)(a(x), axis=()))
    if name not in ("max", "min", "mean", "std", "var"):
        agree(lambda xp, a: getattr(xp, name)(a(x[:0])))


@pytest.mark.parametrize("correction", [0, 1, 0.5])
def test_corrections(agree: Agree, sample: Sample, correction: float) -> None:
    x = sample("float64", 3, 4)
    agree(lambda xp, a: xp.var(a(x), axis=1, correction=correction))
    agree(lambda xp, a: xp.std(a(x), correction=correction, keepdims=True))


@pytest.mark.parametrize("name", ["sum", "prod"])
def test_a_given_type(agree: Agree, sample: Sample, name: str) -> None:
    for dtype in ("int8", "float32", "bool"):
        x = sample(dtype, 3, 2)
        agree(lambda xp, a, x=x: getattr(xp, name)(a(x), axis=0, dtype=xp.float64))
    for dtype in (xp.uint8, xp.uint16, xp.uint64):
        assert getattr(xp, name)(xp.ones(3, dtype=dtype)).dtype is xp.uint64
    assert getattr(xp, name)(xp.ones(3, dtype=xp.int8)).dtype is xp.int64
    assert getattr(xp, name)(xp.ones(3, dtype=xp.bool)).dtype is xp.int64


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@pytest.mark.parametrize("dtype", [*INTS, *REAL, *COMPLEX])
def test_cumulative(agree: Agree, sample: Sample, name: str, dtype: str) -> None:
    x = sample(dtype, 3, 4)
    for axis in (0, 1, -1):
        for initial in (False, True):
            agree(lambda xp, a, axis=axis, i=initial: getattr(xp, name)(
                a(x), axis=axis, include_initial=i))  # fmt: skip
    agree(lambda xp, a: getattr(xp, name)(a(x[0]), dtype=xp.complex128))
    with pytest.raises(ValueError, match="axis"):
        getattr(xp, name)(xp.ones((2, 2)))


@pytest.mark.parametrize("dtype", [*INTS, *REAL, *COMPLEX])
def test_diff(agree: Agree, sample: Sample, dtype: str) -> None:
    x = sample(dtype, 3, 4)
    for axis, n in ((-1, 1), (0, 1), (1, 2), (0, 3)):
        agree(lambda xp, a, axis=axis, n=n: xp.diff(a(x), axis=axis, n=n))
    agree(lambda xp, a: xp.diff(a(x), axis=0, prepend=a(x[:1]), append=a(x[:2])))
