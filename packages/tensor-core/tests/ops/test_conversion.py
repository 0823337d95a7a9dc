"""Conversions to other types and devices, as PyTorch 2.13 has them."""

from __future__ import annotations

import pytest

import lamella_core as core


@pytest.fixture
def x():
    return core.arange(12.0).reshape(3, 4)


def test_to(x):
    assert x.to(core.float32) is x and x.to("cpu") is x and x.to(x) is x
    assert x.to(core.int64).dtype is core.int64
    assert x.to("cpu", core.float64).dtype is core.float64
    assert x.to(dtype=core.bool).tolist()[0] == [False, True, True, True]
    assert x.to(core.ones(1, dtype=core.int8)).dtype is core.int8
    assert x.to(core.float32, copy=True) is not x
    assert x.to(core.float32, False, True) is not x
    assert x.to(memory_format=core.contiguous_format) is x
    for wrong in ([], 1.5):
        with pytest.raises(TypeError, match="invalid combination"):
            x.to(wrong)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("bool", core.bool),
        ("byte", core.uint8),
        ("char", core.int8),
        ("short", core.int16),
        ("int", core.int32),
        ("long", core.int64),
        ("half", core.float16),
        ("bfloat16", core.bfloat16),
        ("float", core.float32),
        ("double", core.float64),
        ("cfloat", core.complex64),
        ("cdouble", core.complex128),
    ],
)
def test_conversions(x, name, dtype):
    found = getattr(x, name)()
    assert found.dtype is dtype and found.stride() == x.stride()
    assert found.float().tolist()[0][:2] == [0.0, 1.0]
    assert getattr(found, name)() is found


def test_conversion_cuts_off():
    assert core.tensor([1.7, -1.7]).long().tolist() == [1, -1]
    assert core.tensor([0.5, 0.0, float("nan")]).bool().tolist() == [True, False, True]


def test_type_names(x):
    assert x.type() == "torch.FloatTensor"
    assert x.bool().type() == "torch.BoolTensor" and x.cfloat().type() == "torch.ComplexFloatTensor"
    assert x.type("torch.LongTensor").dtype is core.int64
    assert x.type(core.half).dtype is core.float16
    assert x.type_as(core.ones(1, dtype=core.int8)).dtype is core.int8
    with pytest.raises(ValueError, match="invalid type: 'foo'"):
        x.type("foo")
