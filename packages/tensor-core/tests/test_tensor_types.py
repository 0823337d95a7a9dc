"""Constructors by element type. Values and exception types are PyTorch 2.13's."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lamella_core as core

DTYPES = {
    "Bool": core.bool, "Byte": core.uint8, "Char": core.int8, "Short": core.int16,
    "Int": core.int32, "Long": core.int64, "Half": core.float16, "BFloat16": core.bfloat16,
    "Float": core.float32, "Double": core.float64,
}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_each_makes_its_type(name):
    cls = getattr(core, f"{name}Tensor")
    for made in (cls(), cls(2, 3), cls([0, 1]), cls((0, 1)), cls(core.Size([2]))):
        assert made.dtype is DTYPES[name] and type(made) is core.Tensor
        assert isinstance(made, cls)
    assert cls().shape == (0,) and cls(2, 3).shape == (2, 3) and cls(core.Size([2, 3])).ndim == 2
    assert cls([0, 1]).tolist() == [0, 1]
    assert core.zeros(2).type(cls).dtype is DTYPES[name]
    assert not issubclass(cls, core.Tensor)


def test_numbers_are_cut_off():
    assert core.LongTensor([1.5, -1.5]).tolist() == [1, -1]
    assert core.LongTensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert not isinstance(core.ones(1), core.LongTensor)


def test_tensors_and_storages_share_memory():
    source = core.ones(2)
    core.FloatTensor(source)[0] = 5
    core.FloatTensor(source.storage())[1] = 6
    assert source.tolist() == [5.0, 6.0]


@pytest.mark.parametrize("value", ["a", 2.5, core.ones(2, dtype=core.int64)])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError):
        core.FloatTensor(value)


def test_the_class_tensor_makes_the_default_type():
    assert core.Tensor(2, 3).shape == (2, 3) and core.Tensor().shape == (0,)
    assert core.Tensor([[1, 2], [3, 4]]).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert core.Tensor(np.array([1, 2])).dtype is core.float32
    assert core.Tensor(core.Size([4])).shape == core.Tensor(4).shape == (4,)
    assert core.Tensor(core.tensor(2), 3).shape == (2, 3)
    with pytest.raises(TypeError, match="'size' must be int, not list"):
        core.Tensor([1], 2)
    for make in (core.tensor, core.ByteTensor):
        with pytest.raises(TypeError, match="invalid data type 'bytes'"):
            make(b"ab")
    source = core.arange(2)
    shared = core.Tensor(source)
    shared[0] = 5
    assert source.tolist() == [5, 1] and shared.dtype is core.int64
    assert core.Tensor(core.ones(3).untyped_storage()).tolist() == [1.0, 1.0, 1.0]
    for wrong in (True, None, 2.5, "a"):
        with pytest.raises(TypeError, match="new"):
            core.Tensor(wrong)
    with pytest.raises(TypeError):
        core.Tensor([1], dtype=core.int64)


def test_a_class_derived_from_tensor_is_made_alike():
    class Marked(core.Tensor):
        def __new__(cls, data, mark):
            made = super().__new__(cls, data)
            made.mark = mark
            return made

        def __init__(self, data, mark):
            pass

    made = Marked([1, 2], "x")
    assert type(made) is Marked and made.mark == "x" and made.tolist() == [1.0, 2.0]
    again = copy.deepcopy(made)
    assert type(again) is Marked and again.mark == "x"


def test_new_keeps_the_type():
    source = core.arange(3)
    assert source.new(2, 3).dtype is core.int64 and source.new(2, 3).shape == (2, 3)
    assert source.new([1.5, 2]).tolist() == [1, 2]
    assert source.new().numel() == 0
    with pytest.raises(TypeError, match=r"torch\.int64"):
        source.new(core.ones(1))
    assert source.new_tensor(core.ones(2)).dtype is core.int64


def test_numbers_that_do_not_fit():
    assert core.ByteTensor([-1]).tolist() == [255]
    for name, value in (("Byte", 256), ("Char", 200), ("Int", 2**40), ("Long", float("nan"))):
        with pytest.raises(RuntimeError, match="without overflow"):
            getattr(core, f"{name}Tensor")([value])
    with pytest.raises(TypeError, match="must be real number, not complex"):
        core.FloatTensor([1j])


def test_names():
    assert repr(core.FloatTensor) == "<class 'torch.FloatTensor'>"
    assert core.arange(2).type(core.Tensor).dtype is core.float32


def test_only_the_cpu():
    assert core.FloatTensor([1], device="cpu").tolist() == [1.0]
    with pytest.raises(RuntimeError, match="expects device type: cpu but device type: cuda"):
        core.FloatTensor([1], device="cuda")
