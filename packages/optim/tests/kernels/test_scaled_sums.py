"""Scaled sums against NumPy's in double precision, by BLAS and without it."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_optim.kernels import scaled_sums
from lamella_optim.kernels.scaled_sums import LEAST, add_scaled, average

SIZES = [1, LEAST - 1, LEAST, 3 * LEAST + 7]


@pytest.fixture(params=["BLAS", "NumPy"])
def library(request, monkeypatch):
    if request.param == "NumPy":
        monkeypatch.setattr(scaled_sums, "_BLAS", {})
    return request.param


def draws(seed, size, dtype="f4"):
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def scalar(number, dtype="f4"):
    return np.array(number, dtype)


def check(found, expected):
    tolerance = 4 * np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", SIZES)
def test_add_scaled(size, dtype, library) -> None:
    value, source = draws(0, size, dtype), draws(1, size, dtype)
    before = source.copy()
    expected = value + scalar(-0.3, dtype).astype("f8") * source
    result = add_scaled(np, value, scalar(-0.3, dtype), source, np.empty_like(value), value)
    assert result is value
    check(value, expected)
    np.testing.assert_array_equal(source, before)


@pytest.mark.parametrize("share", [None, 0.3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", SIZES)
def test_average(size, dtype, share, library) -> None:
    value, source = draws(0, size, dtype), draws(1, size, dtype)
    before = source.copy()
    factor = None if share is None else scalar(share, dtype)
    expected = scalar(0.7, dtype).astype("f8") * value
    expected += source if factor is None else factor.astype("f8") * source
    scratch = np.empty_like(value)
    assert average(np, value, scalar(0.7, dtype), source, factor, scratch) is value
    check(value, expected)
    np.testing.assert_array_equal(source, before)


def test_the_source_may_be_the_scratch(library) -> None:
    value, source = draws(0, LEAST), draws(1, LEAST)
    expected = value + 2 * source
    add_scaled(np, value, scalar(2), source, source, value)
    check(value, expected)
    source = draws(2, LEAST)
    expected = 0.5 * value + 2 * source
    average(np, value, scalar(0.5), source, scalar(2), source)
    check(value, expected)


def test_another_array_for_the_sum() -> None:
    value, source = draws(0, LEAST), draws(1, LEAST)
    before, out = value.copy(), np.empty_like(value)
    assert add_scaled(np, value, scalar(2), source, np.empty_like(value), out) is out
    np.testing.assert_array_equal(value, before)
    check(out, value + 2 * source)


def test_arrays_that_are_not_in_one_piece() -> None:
    shape = (120, 2 * 90)
    forms = [lambda a: a.T, lambda a: a[:, ::2].T, lambda a: a[:, :90]]
    for form in forms:
        value, source = form(draws(0, shape)), form(draws(1, shape))
        expected = (value + 3 * source, 0.5 * value + 3 * source)
        once, again = value.copy("K"), form(draws(0, shape))
        add_scaled(np, once, scalar(3), source, np.empty_like(once), once)
        average(np, again, scalar(0.5), source, scalar(3), np.empty_like(again))
        check(once, expected[0])
        check(again, expected[1])


def test_a_gradient_that_may_not_be_written_to() -> None:
    value, source = draws(0, LEAST), draws(1, LEAST)
    source.flags.writeable = False
    expected = value + 3 * source
    add_scaled(np, value, scalar(3), source, np.empty_like(value), value)
    check(value, expected)


def test_nan_times_zero_is_nan(library) -> None:
    bad = np.full(LEAST, np.nan, "f4")
    value = draws(0, LEAST)
    add_scaled(np, value, scalar(0), bad, np.empty_like(value), value)
    assert np.isnan(value).all()
    value = draws(0, LEAST)
    average(np, value, scalar(0.5), bad, scalar(0), np.empty_like(value))
    assert np.isnan(value).all()
    average(np, bad, scalar(0), draws(1, LEAST), None, np.empty_like(bad))
    assert np.isnan(bad).all()


def test_types_that_blas_does_not_have() -> None:
    value, source = draws(0, LEAST, "f4").astype("f2"), draws(1, LEAST).astype("f2")
    expected = value.astype("f4") + 3 * source.astype("f4")
    add_scaled(np, value, scalar(3, "f2"), source, np.empty_like(value), value)
    check(value, expected)


def test_a_routine_that_no_library_has() -> None:
    assert scaled_sums._routine("nosuch") is None
