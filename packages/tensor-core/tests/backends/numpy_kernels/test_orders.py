"""Orders and running results part by part, against NumPy's."""

import numpy as np
import pytest

import lamella_core as core

ROWS, COLUMNS = 601, 503  # several parts, the last of them not full
SHAPES = {"rows": (ROWS, COLUMNS), "one row": (ROWS * COLUMNS,), "long columns": (ROWS * 251, 2)}
HALF = [core.float16, core.bfloat16]


def numbers(*shape):
    x = np.random.default_rng(0).integers(-40, 40, shape).astype(np.float64)
    x[x == -30] = np.nan
    x[x == 0] *= np.random.default_rng(1).choice([-1, 1], np.count_nonzero(x == 0))
    return x


@pytest.mark.parametrize("dtype", [core.float32, *HALF])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
def test_sort(dim, turned, dtype):
    x = numbers(ROWS, COLUMNS)
    tensor = core.from_numpy(x).to(dtype)
    if turned:
        x, tensor = x.T, tensor.t()
    order = x.argsort(dim, kind="stable")
    values, places = tensor.sort(dim)
    np.testing.assert_array_equal(places.numpy(), order)
    found, expected = values.double().numpy(), np.take_along_axis(x, order, dim)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    assert values.stride() == places.stride() == tensor.stride()
    last = tensor.sort(dim, descending=True).values.double().numpy()
    np.testing.assert_array_equal(last, np.flip(np.sort(x, dim), dim))


@pytest.mark.parametrize("dtype", HALF)
def test_median_of_half_precision(dtype):
    x = numbers(ROWS * COLUMNS)
    for array in (x, np.where(np.isnan(x), 100, x), -abs(x)):
        tensor = core.from_numpy(array).to(dtype)
        some = np.sort(array[~np.isnan(array)])
        assert tensor.nanmedian().item() == some[(len(some) - 1) // 2]
        np.testing.assert_equal(
            tensor.median().item(),
            np.nan if np.isnan(array).any() else some[(len(some) - 1) // 2],
        )


def last_places(x, reached):
    places, best = np.zeros(x.shape, np.int64), 0
    for i in range(len(x)):
        if np.isnan(x[i]) or reached(x[i], x[best]):
            best = i
        places[i] = best
    return places


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", [core.float32, core.float16, core.int32])
def test_running_extrema(shape, dtype):
    x = numbers(*shape)
    if dtype is core.int32:
        x = np.nan_to_num(x)
    tensor = core.from_numpy(x).to(dtype)
    for dim in range(x.ndim):
        for name, function, reached in (
            ("cummax", np.maximum, np.greater_equal), ("cummin", np.minimum, np.less_equal),
        ):  # fmt: skip
            values, places = getattr(tensor, name)(dim)
            np.testing.assert_array_equal(values.double().numpy(), function.accumulate(x, dim))
            line = (slice(None), 1)[: x.ndim] if dim == 0 else (7,)
            np.testing.assert_array_equal(places.numpy()[line], last_places(x[line], reached))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", HALF)
def test_running_sums_of_half_precision_are_added_in_float32(shape, dtype):
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(np.float32)
    tensor = core.from_numpy(x).to(dtype)
    for dim in range(x.ndim):
        expected = core.from_numpy(x.cumsum(dim)).to(dtype)
        assert core.equal(tensor.cumsum(dim), expected)
    signs = core.from_numpy(np.where(x > 0, -1.0, 1.0)).to(dtype)
    np.testing.assert_array_equal(
        signs.cumprod(0).float().numpy(), np.cumprod(signs.float().numpy(), 0)
    )


def test_parts_need_little_memory(peak):
    wide, half = core.rand(1000, 2000), core.rand(1000, 2000).half()
    whole = (wide * 1000).int().t()
    for call in (
        lambda: half.sort(1), lambda: wide.t().sort(0), lambda: wide.cummax(0),
        lambda: wide.view(-1).cummin(0), lambda: half.cumsum(0), lambda: wide.t().cumsum(1),
        lambda: wide.t().logcumsumexp(1), lambda: core.isin(whole, whole[0, :100]),
        lambda: wide.t().tile(2),
    ):  # fmt: skip
        result = call()
        given = sum(
            each.numel() * each.element_size()
            for each in (result if isinstance(result, tuple) else (result,))
        )
        del result
        with peak:
            _ = call()
        assert peak.most - given < 0.9e6 * core.get_num_threads()


def test_counts_of_many_elements():
    x = np.random.default_rng(0).normal(size=ROWS * COLUMNS)
    share = np.random.default_rng(1).random(x.size)
    whole, few = np.random.default_rng(2).integers(0, 50, x.size), share.astype(np.float32)
    for weights in (few, share):
        found = core.from_numpy(whole).bincount(core.from_numpy(weights), 60).numpy()
        np.testing.assert_allclose(found, np.bincount(whole, weights, 60), rtol=1e-6)
        assert found.dtype == weights.dtype


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_places_of_what_is_not_zero(shape):
    x = numbers(*shape) * (np.random.default_rng(3).random(shape) > 0.7)
    found = core.from_numpy(x).nonzero()
    np.testing.assert_array_equal(found.numpy(), np.argwhere(x))
    assert found.stride() == (1, len(found))
