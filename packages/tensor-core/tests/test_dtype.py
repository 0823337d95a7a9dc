"""Element types: what PyTorch documents of each."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

import lamella_core as core
from lamella_core import dtype as dtypes

# name, bytes, floating, complex, signed: as PyTorch 2.13 has them
FACTS = [
    ("bool", 1, False, False, False),
    ("uint8", 1, False, False, False),
    ("int8", 1, False, False, True),
    ("int16", 2, False, False, True),
    ("int32", 4, False, False, True),
    ("int64", 8, False, False, True),
    ("float16", 2, True, False, True),
    ("bfloat16", 2, True, False, True),
    ("float32", 4, True, False, True),
    ("float64", 8, True, False, True),
    ("complex64", 8, False, True, True),
    ("complex128", 16, False, True, True),
]


@pytest.mark.parametrize(("name", "size", "floating", "is_complex", "signed"), FACTS)
def test_facts(name, size, floating, is_complex, signed):
    kind = getattr(core, name)
    assert repr(kind) == f"torch.{name}"
    assert kind.itemsize == size
    assert kind.is_floating_point is floating
    assert kind.is_complex is is_complex
    assert kind.is_signed is signed


def test_there_is_one_object_a_type():
    for kind in dtypes.ALL:
        assert pickle.loads(pickle.dumps(kind)) is kind
        assert copy.deepcopy(kind) is kind
        assert dtypes.of_numpy(kind.numpy) is kind


def test_aliases():
    assert core.float is core.float32 and core.double is core.float64
    assert core.half is core.float16 and core.long is core.int64
    assert core.int is core.int32 and core.short is core.int16
    assert core.cfloat is core.complex64 and core.cdouble is core.complex128


def test_parts_of_complex_types():
    assert core.complex64.to_real() is core.float32
    assert core.complex128.to_real() is core.float64
    assert core.float64.to_complex() is core.complex128
    assert core.bfloat16.to_complex() is core.complex64
    with pytest.raises(RuntimeError, match="int32"):
        core.int32.to_complex()


def test_bfloat16_is_that_of_ml_dtypes():
    assert core.bfloat16.numpy == np.dtype(ml_dtypes.bfloat16)


def test_a_numpy_type_without_counterpart():
    with pytest.raises(TypeError, match="datetime64"):
        dtypes.of_numpy(np.dtype("datetime64[s]"))


def test_default_dtype():
    assert core.get_default_dtype() is core.float32
    core.set_default_dtype(core.float64)
    try:
        assert core.tensor(1.5).dtype is core.float64
        assert core.tensor(1j).dtype is core.complex128
        assert core.zeros(1).dtype is core.float64
        assert core.tensor(1).dtype is core.int64
    finally:
        core.set_default_dtype(core.float32)
    for wrong in (core.int64, "float32"):
        with pytest.raises(TypeError, match="only floating-point types"):
            core.set_default_dtype(wrong)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(bool, "bool"), (int, "int64"), (float, "float64"), (complex, "complex128")],
)
def test_python_types_stand_for_dtypes(kind: type, name: str) -> None:
    # The types that torch 2.13 gives: unlike a Python float as a value, float is float64.
    x = core.ones(2)
    for made in (core.zeros(2, dtype=kind), x.to(kind), x.to("cpu", kind), x.to(dtype=kind)):
        assert made.dtype.name == name
    assert x.prod(dtype=kind).dtype.name == name
    with pytest.raises(TypeError, match="dtype"):
        x.to(str)


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_wide_unsigned_types(name: str) -> None:
    kind = getattr(core, name)
    array = np.array([0, 1, np.iinfo(name).max], name)
    tensor = core.from_numpy(array)
    assert tensor.dtype is kind and not kind.is_signed
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert tensor.tolist() == array.tolist()
    assert core.tensor(array.tolist(), dtype=kind).tolist() == array.tolist()
    assert repr(tensor[:2]) == f"tensor([0, 1], dtype=torch.{name})"
    assert tensor.type() == f"torch.{kind.class_name}Tensor"
    assert core.iinfo(kind).max == np.iinfo(name).max
    # What PyTorch 2.13 says of them.
    assert (tensor + 1.5).dtype is core.float32
    assert core.result_type(tensor, 1) is kind
    assert (tensor == tensor).all() and (tensor & tensor).dtype is kind
    for other in (core.int32, core.uint8, core.bool):
        with pytest.raises(RuntimeError, match="Promotion for uint16, uint32, uint64"):
            core.promote_types(kind, other)
    with pytest.raises(RuntimeError, match=f"{kind.class_name} and Long"):
        tensor + core.tensor([1, 2, 3])
