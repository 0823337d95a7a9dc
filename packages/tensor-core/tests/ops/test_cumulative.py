"""Cumulative ops against NumPy, and observed results of PyTorch 2.13 where it makes a choice."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc

NAN = float("nan")


@pytest.mark.parametrize("shape", [(4, 5), (3, 600), (2, 3, 4)])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_running_sums_and_products(shape: tuple[int, ...], dim: int) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_allclose(lc.cumsum(lc.from_numpy(x), dim).numpy(), np.cumsum(x, dim))
    np.testing.assert_allclose(lc.cumprod(lc.from_numpy(x), dim).numpy(), np.cumprod(x, dim))


def test_types() -> None:
    assert lc.cumsum(lc.tensor([True, True]), 0).dtype is lc.int64
    assert lc.cumsum(lc.tensor([1, 2]), 0, dtype=lc.float64).tolist() == [1.0, 3.0]
    assert lc.cumsum(lc.tensor(3.0), 0).item() == 3.0
    x = lc.tensor([1.0, 2.0, 3.0])
    assert x.cumsum_(0) is x
    assert x.tolist() == [1.0, 3.0, 6.0]
    with pytest.raises(IndexError):
        lc.cumsum(x, 1)


def test_running_maxima_give_the_last_index() -> None:
    # PyTorch 2.13: torch.tensor([1., 3, 2, 3]).cummax(0) is ([1, 3, 3, 3], [0, 1, 1, 3]).
    values, indices = lc.cummax(lc.tensor([1.0, 3.0, 2.0, 3.0]), 0)
    assert values.tolist() == [1.0, 3.0, 3.0, 3.0]
    assert indices.tolist() == [0, 1, 1, 3]
    values, indices = lc.cummin(lc.tensor([[3], [1], [2]]), 0)
    assert values.tolist() == [[3], [1], [1]]
    assert indices.tolist() == [[0], [1], [1]]


def test_nan_stays_the_maximum() -> None:
    # PyTorch 2.13: torch.tensor([1., nan, 2, nan]).cummax(0) has the indices [0, 1, 1, 3].
    values, indices = lc.cummax(lc.tensor([1.0, NAN, 2.0, NAN]), 0)
    assert [math.isnan(v) for v in values.tolist()] == [False, True, True, True]
    assert indices.tolist() == [0, 1, 1, 3]


def test_logcumsumexp_does_not_overflow() -> None:
    got = lc.logcumsumexp(lc.tensor([1000.0, 1000.0, -1000.0], dtype=lc.float64), 0)
    np.testing.assert_allclose(got.numpy(), [1000, 1000 + math.log(2), 1000 + math.log(2)])


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_diff(n: int) -> None:
    x = np.array([[1, 4, 9, 16], [0, 1, 1, 2]])
    got = lc.diff(lc.from_numpy(x), n)
    np.testing.assert_array_equal(got.numpy(), np.diff(x, n) if n < 4 else np.empty((2, 0)))


def test_diff_with_more_at_the_ends() -> None:
    x = lc.tensor([1, 4])
    assert lc.diff(x, prepend=lc.tensor([0]), append=lc.tensor([9])).tolist() == [1, 3, 5]
    assert lc.diff(lc.tensor([True, False, False])).tolist() == [True, False]


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_running_extrema_of_a_few_large_slices(dim: int) -> None:
    x = np.random.default_rng(0).integers(0, 50, (3, 200, 400)).transpose(0, 2, 1)
    values, places = lc.cummax(lc.from_numpy(x), dim)
    np.testing.assert_array_equal(values.numpy(), np.maximum.accumulate(x, dim))
    np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), dim), values.numpy())
    # A place changes where an element reaches what was the greatest before it.
    length = x.shape[dim]
    before = np.take(values.numpy(), range(length - 1), dim)
    reached = np.take(x, range(1, length), dim) >= before
    np.testing.assert_array_equal(np.diff(places.numpy(), axis=dim) > 0, reached)


@pytest.mark.parametrize("shape", [(50,), (3, 7), (300_000,), (30, 9000), (2, 300, 400), (0, 3)])
@pytest.mark.parametrize("kind", ["float32", "complex64"])
def test_single_precision_adds_up_in_double(shape: tuple[int, ...], kind: str) -> None:
    # As in PyTorch 2.13, to the last bit.
    x = np.random.default_rng(0).random(shape).astype(kind)
    wide = x.astype(np.result_type(kind, np.float64))
    for dim in range(x.ndim):
        expected = np.cumsum(wide, dim).astype(kind)
        given = lc.from_numpy(x)
        np.testing.assert_array_equal(given.cumsum(dim).numpy(), expected)
        turned = given.movedim(dim, 0).clone().movedim(0, dim)
        np.testing.assert_array_equal(turned.cumsum(dim).numpy(), expected)
        out = lc.empty_like(given)
        np.testing.assert_array_equal(lc.cumsum(given, dim, out=out).numpy(), expected)
        np.testing.assert_array_equal(given.clone().cumsum_(dim).numpy(), expected)
    products = np.cumprod(wide + 0.5, 0).astype(kind)
    np.testing.assert_allclose(lc.cumprod(lc.from_numpy(x) + 0.5, 0).numpy(), products, 1e-4)


def test_running_logarithms_of_single_precision_do_not_drift() -> None:
    x = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    exact = np.logaddexp.accumulate(x.astype(np.float64))
    got = lc.logcumsumexp(lc.from_numpy(x), 0).numpy()
    np.testing.assert_allclose(got, exact, 2**-23)
