"""Comparisons against Python and NumPy."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import lamella_core as lc

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_element_by_element(name: str) -> None:
    a, b = np.array([[1.0, 2.0, NAN]], np.float32), np.array([[2], [1]])
    compare = getattr(operator, name)
    got = getattr(lc, name)(lc.from_numpy(a), lc.from_numpy(b))
    assert got.dtype is lc.bool
    np.testing.assert_array_equal(got.numpy(), compare(a, b))
    np.testing.assert_array_equal(compare(lc.from_numpy(a), 1.5).numpy(), compare(a, 1.5))
    np.testing.assert_array_equal(compare(1.5, lc.from_numpy(a)).numpy(), compare(1.5, a))


def test_aliases() -> None:
    a, b = lc.tensor([1, 2]), lc.tensor([2, 2])
    assert lc.less(a, b).tolist() == [True, False]
    assert a.greater_equal(b).tolist() == [False, True]
    assert a.not_equal(b).tolist() == [True, False]


def test_in_place_keeps_the_type() -> None:
    x = lc.tensor([1.0, 5.0])
    assert x.gt_(2) is x
    assert x.tolist() == [0.0, 1.0]
    assert x.dtype is lc.float32


def test_what_is_no_operand() -> None:
    x = lc.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    with pytest.raises(TypeError, match="'<' not supported"):
        _ = x < "a"
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        lc.eq(lc.ones(2), lc.ones(3))
    with pytest.raises(NotImplementedError, match="ComplexFloat"):
        lc.lt(lc.tensor([1j]), lc.tensor([2j]))


def test_kinds_of_floats() -> None:
    x = lc.tensor([0.0, INF, -INF, NAN])
    assert lc.isnan(x).tolist() == [False, False, False, True]
    assert lc.isinf(x).tolist() == [False, True, True, False]
    assert lc.isfinite(x).tolist() == [True, False, False, False]
    assert lc.isposinf(x).tolist() == [False, True, False, False]
    assert lc.isneginf(x).tolist() == [False, False, True, False]
    assert lc.isreal(lc.tensor([1 + 0j, 1j])).tolist() == [True, False]
    for test in (lc.isnan, lc.isinf):
        assert test(lc.tensor([1, 2])).tolist() == [False, False]
    assert lc.isnan(x.to(lc.bfloat16)).tolist() == [False, False, False, True]


def test_isclose_is_not_symmetric() -> None:
    a, b = lc.tensor([10.0, INF, NAN]), lc.tensor([9.0, INF, NAN])
    assert lc.isclose(a, b, rtol=0.1).tolist() == [False, True, False]
    assert lc.isclose(b, a, rtol=0.1).tolist() == [True, True, False]
    assert lc.isclose(a, b, equal_nan=True).tolist() == [False, True, True]
    assert lc.allclose(a[:1], a[:1] + 1e-6)
    with pytest.raises(RuntimeError, match="did not match"):
        lc.isclose(lc.tensor([1.0]), lc.tensor([1]))


def test_equal() -> None:
    assert lc.equal(lc.tensor([1, 2]), lc.tensor([1, 2]))
    assert not lc.equal(lc.tensor([1, 2]), lc.tensor([[1, 2]]))
    assert not lc.equal(lc.tensor([NAN]), lc.tensor([NAN]))


def test_whole_tensors() -> None:
    x = lc.ones(2, 3)
    assert lc.is_tensor(x) and not lc.is_tensor([1])
    assert lc.is_floating_point(x) and not lc.is_complex(x)
    assert lc.numel(x) == 6
    assert lc.is_nonzero(lc.tensor([3]))
    with pytest.raises(RuntimeError, match="ambiguous"):
        lc.is_nonzero(x)


def test_equality_of_many_elements():
    x = np.arange(600_000).reshape(300, 2000)
    tensor, other = lc.from_numpy(x), lc.from_numpy(x.copy())
    assert lc.equal(tensor, other)
    assert lc.equal(tensor.t(), other.t())
    other[299, 1999] = 0
    assert not lc.equal(tensor, other)


def test_isclose_of_large_integers_without_tolerance_is_exact() -> None:
    one, other = lc.tensor([2**53, 2**53 + 1]), lc.tensor([2**53, 2**53])
    assert lc.isclose(one, other, rtol=0, atol=0).tolist() == [True, False]
