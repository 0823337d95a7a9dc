from __future__ import annotations

import warnings

import ml_dtypes
import numpy as np
import pytest

import lamella_core as core
from lamella_cpu_kernels import _native

RANDOM = np.random.default_rng(0)
BRAIN = np.dtype(ml_dtypes.bfloat16)
HALVES = [np.dtype(np.float16), BRAIN]
OWN = _native.ufuncs(BRAIN.num)
EVERY = np.arange(65536, dtype=np.uint16)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def assert_same(found, expected) -> None:
    """Equal to the bit, but that one NaN is as good as another."""
    assert found.dtype == expected.dtype
    if found.dtype == BRAIN or found.dtype == np.float16:
        found, expected = found.astype(np.float32), expected.astype(np.float32)
    np.testing.assert_array_equal(found, expected)
    there = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[there], np.signbit(expected)[there])


@pytest.mark.parametrize("kind", HALVES)
def test_conversions_of_every_number(kind) -> None:
    halves = EVERY.view(kind)
    assert_same(OWN["widen"](halves), halves.astype(np.float32))
    assert_same(OWN["widen"](halves.reshape(256, 256).T), halves.reshape(256, 256).T.astype("f4"))
    wide = halves.astype(np.float32)
    above = np.nextafter(wide, np.float32(np.inf))
    any_bits = RANDOM.integers(0, 2**32, 300_000, dtype=np.uint32).view(np.float32)
    middle = (wide[:-1].astype(float) + wide[1:]).astype(np.float32) / 2
    for given in (wide, above, -above, middle, any_bits, any_bits[::3]):
        assert_same(OWN[f"to_{kind.name}"](given), given.astype(kind))


@pytest.mark.parametrize("kind", HALVES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "true_divide"])
def test_half_precision_is_rounded_once(kind, name) -> None:
    left, right = RANDOM.permutation(EVERY).view(kind), RANDOM.permutation(EVERY).view(kind)
    own, theirs = OWN[name], getattr(np, name)
    assert_same(own(left, right), theirs(left, right))
    square, row = left.reshape(256, 256), right[:256]
    for operands in ((square, row), (row, square.T), (square[::3], square[1, 1]), (left[:0],) * 2):
        assert_same(own(*operands), theirs(*operands))
    out = np.zeros(131072, kind)
    own(left, right, out=out[::2])
    assert_same(out[::2], theirs(left, right))
    assert not out[1::2].any()
    expected = theirs(left, right)
    assert_same(own(left, right, out=left), expected)


@pytest.mark.parametrize("kind", HALVES)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extrema_of_half_precision(kind, name) -> None:
    left, right = RANDOM.permutation(EVERY).view(kind), RANDOM.permutation(EVERY).view(kind)
    for operands in ((left, right), (left, kind.type(0)), (right[::3], left[::3])):
        found, expected = OWN[name](*operands), getattr(np, name)(*operands)
        np.testing.assert_array_equal(found.astype("f4"), expected.astype("f4"))
    tensor = core.from_numpy(left.astype(np.float32)).to(
        core.bfloat16 if kind == BRAIN else core.float16
    )
    expected = np.maximum(left.astype(np.float32), 0)
    np.testing.assert_array_equal(tensor.relu().float().numpy(), expected)
    np.testing.assert_array_equal(tensor.relu_().float().numpy(), expected)


def test_other_types_have_numpys_loops() -> None:
    for name in ("add", "subtract", "multiply", "true_divide", "remainder", "maximum"):
        own, theirs = OWN[name], getattr(np, name)
        assert own is not theirs
        for kind in ("i1", "u8", "i8", "f4", "f8"):
            given = RANDOM.integers(1, 100, 40).astype(kind)
            for other in (given[::-1], 3, 2.5, np.float32(4)):
                assert_same(own(given, other), theirs(given, other))
    assert OWN["add"](np.array([True]), True).tolist() == [True]
    assert OWN["multiply"](np.array([1j]), 2).tolist() == [2j]


def _floats(kind, count):
    # Numbers of any bits, of like sizes, whole ones, and special ones.
    bits = np.uint32 if kind == "f4" else np.uint64
    limits = np.finfo(kind)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, limits.smallest_subnormal, limits.max]
    given = np.stack(
        [
            RANDOM.integers(0, np.iinfo(bits).max, count, dtype=bits).view(kind),
            (RANDOM.standard_normal(count) * 10.0 ** RANDOM.uniform(-6, 6, count)).astype(kind),
            RANDOM.integers(-20, 21, count).astype(kind),
            np.array(special, kind)[RANDOM.integers(0, len(special), count)],
        ]
    )
    return given[RANDOM.integers(0, 4, count), np.arange(count)]


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("name", ["fmod", "remainder", "floor_divide"])
def test_divisions_with_a_rest_are_numpys_to_the_bit(kind, name) -> None:
    x, y = _floats(kind, 300_000), _floats(kind, 300_000)
    own, theirs = OWN[name], getattr(np, name)
    assert_same(own(x, y), theirs(x, y))
    assert_same(own(x[::3], y[1]), theirs(x[::3], y[1]))
    assert_same(own(x[:90].reshape(9, 10).T, y[:9]), theirs(x[:90].reshape(9, 10).T, y[:9]))
    # Quotients next to integers, where rounding goes up to one that is not reached.
    whole = RANDOM.integers(1, 2**20, 100_000).astype(kind)
    third = RANDOM.random(100_000).astype(kind)
    for product in (whole * third, np.nextafter(whole * third, np.dtype(kind).type(0))):
        assert_same(own(product, third), theirs(product, third))
    expected = theirs(x, y)
    own(x, y, out=x)
    assert_same(x, expected)


def test_what_is_computed_in_between_raises_nothing() -> None:
    with np.errstate(all="raise"):
        OWN["fmod"](np.float32([1e30, 1]), np.float32([1e-30, 3]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OWN["to_float16"](np.float32([1e30, np.nan]))


def test_ops_use_them() -> None:
    x, y = core.rand(300, 500), core.rand(300, 500) + 0.5
    for dtype, kind in ((core.float16, np.float16), (core.bfloat16, BRAIN)):
        half = x.to(dtype)
        assert half.dtype is dtype
        given = x.numpy().astype(kind)
        np.testing.assert_array_equal(half.float().numpy(), given.astype(np.float32))
        np.testing.assert_array_equal(
            (half + half.t().t()).float().numpy(), (given + given).astype(np.float32)
        )
        half.mul_(half)
        np.testing.assert_array_equal(half.float().numpy(), (given * given).astype(np.float32))
        assert x.t().to(dtype).stride() == (1, 500)
    assert_same((x % y).numpy(), x.numpy() % y.numpy())
    assert_same((x // y).numpy(), x.numpy() // y.numpy())
    assert_same(core.fmod(x, y).numpy(), np.fmod(x.numpy(), y.numpy()))
    whole = core.arange(10)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        whole % 0
    assert (whole % 3).tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
