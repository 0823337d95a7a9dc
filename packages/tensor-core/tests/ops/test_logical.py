"""Logical and bitwise ops against Python's; shifts and refusals were recorded from PyTorch 2.13."""

from __future__ import annotations

import operator

import pytest

import lamella_core as lc

INTS = [0, 1, 6, -3, 127]
OTHERS = [1, 3, -1, 5, 64]


@pytest.mark.parametrize(
    ("name", "symbol"), [("bitwise_and", "and_"), ("bitwise_or", "or_"), ("bitwise_xor", "xor")]
)
def test_bitwise(name: str, symbol: str) -> None:
    compute = getattr(operator, symbol)
    a, b = lc.tensor(INTS), lc.tensor(OTHERS)
    expected = [compute(x, y) for x, y in zip(INTS, OTHERS, strict=True)]
    assert getattr(lc, name)(a, b).tolist() == expected
    assert compute(a, b).tolist() == expected
    assert compute(a, 5).tolist() == [compute(x, 5) for x in INTS]
    assert compute(5, a).tolist() == [compute(5, x) for x in INTS]
    for flag in (True, False):
        got = compute(lc.tensor([True, False]), flag)
        assert got.dtype is lc.bool
        assert got.tolist() == [compute(True, flag), compute(False, flag)]
    with pytest.raises(NotImplementedError, match="'Float'"):
        compute(lc.tensor([1.0]), lc.tensor([1.0]))
    with pytest.raises(TypeError):
        compute(a, "text")
    assert getattr(a, f"{name}_")(b) is a
    assert a.tolist() == expected


def test_invert() -> None:
    assert (~lc.tensor(INTS)).tolist() == [~x for x in INTS]
    assert (~lc.tensor([True, False])).tolist() == [False, True]
    assert lc.bitwise_not(lc.tensor([1], dtype=lc.uint8)).tolist() == [254]
    with pytest.raises(TypeError, match="integer and Boolean-type"):
        ~lc.tensor([1.0])


def test_shifts() -> None:
    a = lc.tensor([1, -5, 7], dtype=lc.int32)
    assert (a << 3).tolist() == [8, -40, 56]
    assert (a >> 1).tolist() == [0, -3, 3]
    assert (2 << lc.tensor([1, 2])).tolist() == [4, 8]
    # Beyond the width nothing is left but the sign.
    assert (a << 40).tolist() == [0, 0, 0]
    assert (a >> 40).tolist() == [0, -1, 0]
    with pytest.raises(NotImplementedError, match="'Float'"):
        lc.tensor([1.0]) << 1
    a <<= 1
    assert a.tolist() == [2, -10, 14]


@pytest.mark.parametrize(
    ("name", "compute"),
    [
        ("logical_and", lambda x, y: bool(x) and bool(y)),
        ("logical_or", lambda x, y: bool(x) or bool(y)),
        ("logical_xor", lambda x, y: bool(x) != bool(y)),
    ],
)
def test_logical(name: str, compute: object) -> None:
    xs, ys = [0.0, 0.5, float("nan"), 0.0], [0, 0, 2, -1]
    expected = [compute(x, y) for x, y in zip(xs, ys, strict=True)]  # type: ignore[operator]
    a, b = lc.tensor(xs), lc.tensor(ys)
    got = getattr(lc, name)(a, b)
    assert got.dtype is lc.bool
    assert got.tolist() == expected
    getattr(a, f"{name}_")(b)
    assert a.dtype is lc.float32
    assert a.tolist() == [float(x) for x in expected]


def test_logical_not() -> None:
    assert lc.logical_not(lc.tensor([0, 3])).tolist() == [True, False]
    out = lc.empty(2, dtype=lc.int64)
    assert lc.logical_not(lc.tensor([0.0, 1j]), out=out).tolist() == [1, 0]


def test_shapes_are_told_first():
    x, y = lc.zeros(2), lc.zeros(3)
    with pytest.raises(RuntimeError, match="must match the size"):
        lc.bitwise_and(x, y)
    with pytest.raises(NotImplementedError):
        lc.bitwise_and(x, x)
