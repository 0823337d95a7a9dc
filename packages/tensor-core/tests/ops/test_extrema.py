"""Extrema and clamping. NaN and bounds were recorded from PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc

NAN = float("nan")
A = [1.0, NAN, 3.0, NAN]
B = [2.0, 2.0, NAN, NAN]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("maximum", [2.0, NAN, NAN, NAN]),
        ("minimum", [1.0, NAN, NAN, NAN]),
        ("fmax", [2.0, 2.0, 3.0, NAN]),
        ("fmin", [1.0, 2.0, 3.0, NAN]),
    ],
)
def test_nan(name: str, expected: list[float]) -> None:
    result = getattr(lc, name)(lc.tensor(A), lc.tensor(B))
    np.testing.assert_array_equal(result.numpy(), np.array(expected, np.float32))
    with pytest.raises(RuntimeError, match="complex"):
        getattr(lc, name)(lc.tensor([1j]), lc.tensor([1j]))


def test_types() -> None:
    assert lc.maximum(lc.tensor([1]), lc.tensor([1.5])).tolist() == [1.5]
    assert lc.maximum(lc.tensor([True, False]), lc.tensor([False, False])).tolist() == [True, False]
    with pytest.raises(TypeError, match="must be Tensor, not int"):
        lc.maximum(lc.tensor([1]), 1)


def test_clamp() -> None:
    a = lc.tensor([-2.0, 0.5, 3.0, NAN])
    np.testing.assert_array_equal(a.clamp(-1, 1).numpy(), np.array([-1, 0.5, 1, NAN], np.float32))
    np.testing.assert_array_equal(lc.clip(a, min=0).numpy(), np.array([0, 0.5, 3, NAN], np.float32))
    np.testing.assert_array_equal(a.clamp(max=0).numpy(), np.array([-2, 0, 0, NAN], np.float32))
    low, high = lc.tensor([0.0, 1.0, 1.0, 1.0]), lc.tensor(2.0)
    np.testing.assert_array_equal(a.clamp(low, high).numpy(), np.array([0, 1, 2, NAN], np.float32))
    # Where the bounds are in the wrong order the upper one holds.
    assert lc.ones(2).clamp(min=2, max=1).tolist() == [1.0, 1.0]
    a.clamp_(0, 1)
    np.testing.assert_array_equal(a.numpy(), np.array([0, 0.5, 1, NAN], np.float32))


def test_clamp_of_integers() -> None:
    a = lc.tensor([1, 5])
    assert a.clamp(2, 4).tolist() == [2, 4]
    result = a.clamp(1.5)
    assert result.dtype is lc.float32
    assert result.tolist() == [1.5, 5.0]


def test_clamp_refuses() -> None:
    with pytest.raises(RuntimeError, match="At least one of 'min' or 'max'"):
        lc.ones(2).clamp()
    with pytest.raises(NotImplementedError):
        lc.tensor([1j]).clamp(0)
    with pytest.raises(RuntimeError, match="must match the size"):
        lc.ones(2).clamp(lc.zeros(3))


def test_one_bound() -> None:
    a = lc.tensor([1, 5])
    assert lc.clamp_min(a, 2).tolist() == [2, 5]
    assert lc.clamp_max(a, lc.tensor([3, 3])).tolist() == [1, 3]
    assert a.clamp_min_(3) is a
    assert a.tolist() == [3, 5]


@pytest.mark.parametrize("size", [4, 400_000])
def test_clamp_into_the_memory_of_a_bound(size: int) -> None:
    x = np.random.default_rng(0).standard_normal(size)
    low = x[::-1].copy()
    for name in ("in place", "bound", "view of the bound"):
        a, bound = lc.from_numpy(x.copy()), lc.from_numpy(x.copy())
        if name == "in place":
            got = a.clamp_(lc.from_numpy(low), a)
        else:
            out = bound.view(-1) if name[0] == "v" else bound
            got = lc.clamp(a, lc.from_numpy(low), bound, out=out)
        np.testing.assert_array_equal(got.numpy(), x, err_msg=name)
