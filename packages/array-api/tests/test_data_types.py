"""Data types: the promotion table of the standard, limits, and what there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lamella_array_api as xp
import lamella_core as lc

KINDS = (
    ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    ("float32", "float64", "complex64", "complex128"),
    ("bool",),
)
# The standard leaves no other pair of types a meaning. int8 and uint8, for instance, give int16.
PAIRS = [
    (a, b)
    for kind in KINDS
    for a, b in itertools.product(kind, repeat=2)
    if np.dtype(a).kind not in "iu" or np.result_type(np.dtype(a), np.dtype(b)).kind in "iu"
]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_promotion_table(a: str, b: str) -> None:
    expected = np.result_type(np.dtype(a), np.dtype(b)).name
    first, second = getattr(xp, a), getattr(xp, b)
    assert xp.result_type(first, second).name == expected
    # Whatever the numbers of dimensions: PyTorch's own rule looks at them.
    for one, other in (((), (2,)), ((2,), ()), ((), ())):
        left, right = xp.ones(one, dtype=first), xp.ones(other, dtype=second)
        assert xp.result_type(left, right).name == expected
        assert xp.equal(left, right).dtype is xp.bool
        if a != "bool":
            assert xp.multiply(left, right).dtype.name == expected


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("int16", 3),
        ("float32", 3),
        ("float32", 2.5),
        ("complex64", 1.5),
        ("float64", 1j),
        ("bool", True),
    ],
)
def test_python_numbers_follow_the_array(name: str, number: complex) -> None:
    found = xp.result_type(getattr(xp, name), number)
    assert found.name == np.result_type(np.dtype(name), number).name


def test_uint64_meets_no_signed_integer() -> None:
    with pytest.raises(TypeError, match="uint64 and int8 do not promote"):
        xp.result_type(xp.uint64, xp.int8)


def test_result_type_needs_a_type() -> None:
    with pytest.raises(ValueError, match="at least one array"):
        xp.result_type(1, 2.0)


def test_isdtype() -> None:
    for name, kind in itertools.product(
        (n for k in KINDS for n in k),
        ("bool", "signed integer", "unsigned integer", "integral", "real floating",
         "complex floating", "numeric", ("bool", "integral")),
    ):  # fmt: skip
        assert xp.isdtype(getattr(xp, name), kind) == np.isdtype(np.dtype(name), kind)
    assert xp.isdtype(xp.int8, xp.int8) and not xp.isdtype(xp.int8, xp.int16)
    with pytest.raises(ValueError, match="unknown kind"):
        xp.isdtype(xp.int8, "integer")


def test_can_cast_and_astype() -> None:
    assert xp.can_cast(xp.int8, xp.int16) and not xp.can_cast(xp.int16, xp.int8)
    assert xp.can_cast(xp.ones(1), xp.float64) and not xp.can_cast(xp.int8, xp.uint8)
    x = xp.ones(2)
    assert xp.astype(x, xp.float32, copy=False) is x and xp.astype(x, xp.float32) is not x
    assert xp.astype(x, xp.int8).dtype is xp.int8


def test_limits() -> None:
    for name in ("float32", "float64", "complex64"):
        ours, theirs = xp.finfo(getattr(xp, name)), np.finfo(name)
        for field in ("bits", "eps", "max", "min", "smallest_normal"):
            assert getattr(ours, field) == getattr(theirs, field)
        assert ours.dtype.name == theirs.dtype.name
    info = xp.iinfo(xp.ones(1, dtype=xp.int16))
    assert (info.bits, info.min, info.max, info.dtype) == (16, -(2**15), 2**15 - 1, xp.int16)


def test_the_namespace_says_what_it_has() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities()["data-dependent shapes"] is True
    assert info.default_device() == lc.device("cpu") and info.default_device() in info.devices()
    assert info.default_dtypes()["real floating"] is xp.float32
    assert info.default_dtypes()["integral"] is xp.int64
    assert set(info.dtypes()) == {n for kind in KINDS for n in kind}
    assert set(info.dtypes(kind="complex floating")) == {"complex64", "complex128"}
    assert all(getattr(xp, name) is dtype for name, dtype in info.dtypes().items())


def test_types_that_do_not_meet_cannot_be_cast() -> None:
    assert not xp.can_cast(xp.int8, xp.uint64) and not xp.can_cast(xp.int64, xp.uint64)
    assert not xp.can_cast(xp.bool, xp.uint16)
    assert xp.can_cast(xp.uint8, xp.int16) and xp.can_cast(xp.float32, xp.complex64)
