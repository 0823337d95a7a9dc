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


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_results_have_the_type_that_is_asked_for(agree: Agree, sample: Sample, name: str) -> None:
    x = sample("int64", 3, 4)
    for dtype in ("int8", "uint8", "uint32", "float32", "complex64"):
        agree(lambda xp, a, d=dtype: getattr(xp, name)(a(x), axis=1, dtype=getattr(xp, d)))


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_unsigned_sums_begin_with_the_initial_value(
    agree: Agree, sample: Sample, name: str
) -> None:
    for shape in ((3, 4), (0, 4), (3, 0)):
        x = sample("uint8", *shape)
        for axis in (0, -1):
            agree(lambda xp, a, x=x, i=axis: getattr(xp, name)(a(x), axis=i, include_initial=True))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", ["std", "var"])
def test_one_element_has_no_corrected_spread(name: str) -> None:
    spread = getattr(xp, name)
    assert spread(xp.asarray([1.0, 2.0]), axis=()).tolist() == [0.0, 0.0]
    assert bool(xp.isnan(spread(xp.asarray(2.0), correction=1)))
    assert bool(xp.all(xp.isnan(spread(xp.asarray([1.0, 2.0]), axis=(), correction=1))))
