from __future__ import annotations

import warnings

import numpy as np
import pytest

import lamella_core as core
from lamella_cpu_kernels import _native

RANDOM = np.random.default_rng(0)
INF = np.inf


@pytest.mark.parametrize("shape", [(1,), (5,), (7, 10), (3, 2, 33), (64, 16385)])
@pytest.mark.parametrize("threads", [1, 3])
def test_softmax(shape, threads) -> None:
    given = (RANDOM.standard_normal(shape) * 12).astype(np.float32)
    shifted = (given - given.max(-1, keepdims=True)).astype(np.float64)
    total = np.exp(shifted).sum(-1, keepdims=True)
    result = np.empty_like(given)
    assert _native.softmax(given, result, threads)
    np.testing.assert_allclose(result, np.exp(shifted) / total, rtol=1e-6, atol=1e-42)
    assert _native.log_softmax(given, result, threads)
    np.testing.assert_allclose(result, shifted - np.log(total), rtol=1e-6, atol=3e-6)


def test_softmax_of_what_is_not_finite() -> None:
    given = np.full((5, 20), 0.5, np.float32)
    given[0, 3], given[1], given[2, 3], given[3, 3] = -INF, -INF, INF, np.nan
    given[4, 3], given[4, 4] = -1e30, 3e38
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.exp(given - given.max(-1, keepdims=True))
        expected /= expected.sum(-1, keepdims=True)
    result = np.empty_like(given)
    assert _native.softmax(given, result, 1)
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_exponentials_of_any_size_are_within_an_ulp_or_so() -> None:
    exponents = np.linspace(-110, 0, 100_001, dtype=np.float32)
    pairs = np.stack([exponents, np.zeros_like(exponents)], 1)
    result = np.empty_like(pairs)
    assert _native.softmax(pairs, result, 1)
    exact = 1 / (1 + np.exp(-exponents.astype(np.float64)))
    np.testing.assert_allclose(result[:, 0], exact, rtol=4e-7, atol=2e-45)


def test_softmax_leaves_other_types() -> None:
    for kind in (np.float64, np.float16, np.int64):
        given = np.ones((2, 3), kind)
        assert not _native.softmax(given, np.empty_like(given), 1)


@pytest.mark.parametrize("dtype", [core.float16, core.bfloat16])
@pytest.mark.parametrize("shape", [(1,), (7, 10), (3, 2, 33), (64, 16385)])
@pytest.mark.parametrize("threads", [1, 3])
def test_softmax_of_half_precision_is_rounded_once(dtype, shape, threads) -> None:
    given = core.from_numpy((RANDOM.standard_normal(shape) * 4).astype(np.float32)).to(dtype)
    bits = given._array.view(np.uint16)
    brain = dtype is core.bfloat16
    for native, op in (
        (_native.softmax_of_half, _native.softmax),
        (_native.log_softmax_of_half, _native.log_softmax),
    ):
        result, single = np.empty_like(bits), np.empty(shape, np.float32)
        assert native(bits, result, brain, threads)
        assert op(given.float().numpy(), single, threads)
        expected = core.from_numpy(single).to(dtype)._array
        np.testing.assert_array_equal(result, expected.view(np.uint16))
    assert not _native.softmax_of_half(given.float().numpy(), result, brain, 1)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (5, 33), (2, 3, 1000), (1000, 700)])
@pytest.mark.parametrize("threads", [1, 3])
def test_product(kind, shape, threads) -> None:
    given = (1 + RANDOM.standard_normal(shape) / 100).astype(kind)
    given.flat[0] = -2
    for result in (np.empty(shape[:-1], kind), np.empty((), kind)):
        expected = given.reshape(*result.shape, -1).astype(np.longdouble).prod(-1)
        assert _native.product(given, result, threads)
        np.testing.assert_allclose(result, expected.astype(kind), 1000 * np.finfo(kind).eps)
    assert not _native.product(given.astype(np.int64), np.empty((), np.int64), 1)


def test_product_of_what_is_not_finite_and_of_lanes_out_of_range() -> None:
    given = np.ones((4, 5000), np.float32)
    given[0, 7], given[1, 9], given[2, 3], given[2, 4] = np.nan, np.inf, 0, -1
    # Each of 4, 8 or 16 lanes of 300 numbers alone is far out of float32's range.
    given[3, :300] = np.float32(1e3) ** np.tile([1, -1], 150)
    given[3, 300:] = 1
    found = core.from_numpy(given).prod(1)
    assert np.isnan(found[0].item())
    assert found[1:3].tolist() == [np.inf, 0]
    assert np.signbit(found[2].item())
    np.testing.assert_allclose(found[3].item(), 1, rtol=1e-5)
    assert core.from_numpy(given)[1:2].prod(1, True).shape == (1, 1)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(("shape", "axis"), [((40,), 0), ((4, 9), 1), ((9, 4), 0), ((3, 8, 5), 1)])
@pytest.mark.parametrize("high", [True, False])
def test_running_extrema_by_the_definition(kind, shape, axis, high) -> None:
    given = RANDOM.integers(-4, 5, shape).astype(kind)
    values, places = np.empty_like(given), np.empty(shape, np.int64)
    assert _native.cumulative_extrema(given, values, places, axis, high)
    function = np.maximum if high else np.minimum
    np.testing.assert_array_equal(values, function.accumulate(given, axis))
    for place in np.ndindex(shape):
        until = tuple(slice(0, n + 1) if d == axis else n for d, n in enumerate(place))
        reached = np.flatnonzero(given[until] == values[place])
        assert places[place] == reached[-1]


def test_running_extrema_keep_nan() -> None:
    # PyTorch 2.13: torch.tensor([1, nan, 5, nan, 7.]).cummax(0)
    given = np.array([1, np.nan, 5, np.nan, 7], np.float32)
    for form in (given, given.reshape(5, 1).repeat(2, 1)):
        values, places = np.empty_like(form), np.empty(form.shape, np.int64)
        assert _native.cumulative_extrema(form, values, places, 0, True)
        first = (values, places) if form.ndim == 1 else (values[:, 1], places[:, 1])
        np.testing.assert_array_equal(first[0], [1, np.nan, np.nan, np.nan, np.nan])
        np.testing.assert_array_equal(first[1], [0, 1, 1, 3, 3])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("length", [(), (1,), (6,), (2, 9)])
def test_rows_are_added_at_their_places(kind, length) -> None:
    target = RANDOM.integers(-9, 9, (8, *length)).astype(kind)
    source = RANDOM.integers(-9, 9, (30, *length)).astype(kind)
    places = RANDOM.integers(0, 8, 30)
    expected = target.copy()
    np.add.at(expected, places, source)
    assert _native.index_add(target, places, source)
    np.testing.assert_array_equal(target, expected)


def test_places_out_of_range_write_nothing() -> None:
    target, source = np.zeros((3, 2), np.float32), np.ones((2, 2), np.float32)
    for wrong in (3, -1):
        assert not _native.index_add(target, np.array([0, wrong]), source)
    assert not _native.index_add(target, np.array([0, 1]), target[:2])
    assert not target.any()
