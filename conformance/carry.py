"""Carries inputs from PyTorch to a candidate framework, and results back, by way of NumPy.

``pack`` turns a PyTorch value into one that knows no framework: tensors become the flat array of
their whole storage with size, stride and offset; dtypes, devices, layouts and memory formats
become their names. ``unpack`` builds the value anew in a framework module, as often as wanted,
each time on a fresh copy of the arrays, so that an op that writes to its input spoils nothing.
Tensors that share a storage share it on the other side too. PyTorch's own side of a comparison is
built by the same ``unpack``, so that both sides start alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import torch

# dtypes that NumPy lacks travel as integers with the same bit patterns.
BITS = {
    "bfloat16": "int16",
    "complex32": "int32",
    "float8_e4m3fn": "uint8",
    "float8_e4m3fnuz": "uint8",
    "float8_e5m2": "uint8",
    "float8_e5m2fnuz": "uint8",
    "float8_e8m0fnu": "uint8",
}


class NotCarried(Exception):
    """The value has no counterpart that NumPy can carry (sparse, another device, ...)."""


@dataclasses.dataclass(frozen=True, slots=True)
class PackedTensor:
    storage: np.ndarray
    dtype: str
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    requires_grad: bool = False
    conjugated: bool = False
    # Equal keys mean one shared storage.
    key: tuple[Any, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class PackedName:
    """An object that both frameworks hold as an attribute of this name, such as a dtype."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class PackedDevice:
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class PackedSize:
    sizes: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PackedGenerator:
    seed: int


@dataclasses.dataclass(frozen=True, slots=True)
class PackedSlice:
    start: Any
    stop: Any
    step: Any


@dataclasses.dataclass(frozen=True, slots=True)
class PackedObject:
    """A small object of a public class of ``nn``: its class's name and its settings."""

    class_name: str
    settings: dict[str, Any]


def short_name(dtype_like: Any) -> str:
    """The last part of an attribute-like object's text: ``torch.float32`` gives ``float32``."""
    return str(dtype_like).rpartition(".")[2]


def pack(value: Any) -> Any:
    """The framework-free form of a PyTorch value; raises NotCarried where there is none."""
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, complex, str)):
        return value
    if isinstance(value, torch.Tensor):
        return _pack_tensor(value)
    if isinstance(value, torch.Size):
        return PackedSize(tuple(value))
    if isinstance(value, (list, tuple)):
        return type(value)(pack(item) for item in value)
    if isinstance(value, dict):
        return {name: pack(item) for name, item in value.items()}
    if isinstance(value, slice):
        return PackedSlice(pack(value.start), pack(value.stop), pack(value.step))
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return PackedName(short_name(value))
    if isinstance(value, torch.device):
        return PackedDevice(str(value))
    if isinstance(value, torch.Generator):
        return PackedGenerator(value.initial_seed())
    if isinstance(value, torch.nn.Module) and not list(value.parameters()):
        settings = {name: getattr(value, name) for name in getattr(value, "__constants__", ())}
        return PackedObject(type(value).__name__, settings)
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        settings = {name: getattr(value, name) for name in names}
        return PackedObject(type(value).__name__, settings)
    raise NotCarried(f"{type(value).__name__} objects are not carried")


def _pack_tensor(tensor: torch.Tensor) -> PackedTensor:
    if tensor.layout is not torch.strided:
        raise NotCarried(f"layout {tensor.layout}")
    if tensor.device.type != "cpu":
        raise NotCarried(f"device {tensor.device}")
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        raise NotCarried(f"tensor subclass {type(tensor).__name__}")
    requires_grad, conjugated = tensor.requires_grad, tensor.is_conj()
    tensor = tensor.detach()
    if conjugated:
        tensor = tensor.conj()
    tensor = tensor.resolve_neg()
    dtype = short_name(tensor.dtype)
    storage = tensor.untyped_storage()
    count = storage.nbytes() // tensor.element_size()
    flat = torch.empty(0, dtype=tensor.dtype).set_(storage, 0, (count,), (1,))
    if dtype in BITS:
        flat = flat.view(getattr(torch, BITS[dtype]))
    return PackedTensor(
        flat.numpy().copy(),
        dtype,
        tuple(tensor.shape),
        tensor.stride(),
        int(tensor.storage_offset()),
        requires_grad,
        conjugated,
        (storage.data_ptr(), dtype) if count else None,
    )


def unpack(value: Any, module: ModuleType, shared: dict[Any, Any] | None = None) -> Any:
    """The packed value as ``module``'s own objects; ``shared`` maps keys to storages made."""
    if shared is None:
        shared = {}
    if isinstance(value, PackedTensor):
        return _unpack_tensor(value, module, shared)
    if isinstance(value, (list, tuple)):
        return type(value)(unpack(item, module, shared) for item in value)
    if isinstance(value, dict):
        return {name: unpack(item, module, shared) for name, item in value.items()}
    if isinstance(value, PackedName):
        return getattr(module, value.name)
    if isinstance(value, PackedSize):
        return module.Size(value.sizes)
    if isinstance(value, PackedSlice):
        parts = (value.start, value.stop, value.step)
        return slice(*(unpack(part, module, shared) for part in parts))
    if isinstance(value, PackedDevice):
        return module.device(value.name)
    if isinstance(value, PackedGenerator):
        return module.Generator().manual_seed(value.seed)
    if isinstance(value, PackedObject):
        return _unpack_object(value, module)
    return value


def _unpack_tensor(packed: PackedTensor, module: ModuleType, shared: dict[Any, Any]) -> Any:
    flat = shared.get(packed.key) if packed.key is not None else None
    if flat is None:
        flat = module.from_numpy(packed.storage.copy())
        if packed.dtype in BITS:
            flat = flat.view(getattr(module, packed.dtype))
        if packed.key is not None:
            shared[packed.key] = flat
    tensor = module.as_strided(flat, packed.size, packed.stride, packed.offset)
    if packed.conjugated:
        tensor = tensor.conj()
    if packed.requires_grad:
        tensor.requires_grad_(True)
    return tensor


def _unpack_object(packed: PackedObject, module: ModuleType) -> Any:
    made = getattr(module.nn, packed.class_name)()
    for name, setting in packed.settings.items():
        object.__setattr__(made, name, setting)
    return made


def tensors_in(value: Any, tensor_type: type) -> Iterator[Any]:
    """The tensors in nested lists, tuples, dicts and slices, in order."""
    if isinstance(value, tensor_type):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item, tensor_type)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, tensor_type)
    elif isinstance(value, slice):
        yield from tensors_in((value.start, value.stop, value.step), tensor_type)


def bfloat16_values(bits: np.ndarray) -> np.ndarray:
    """The numbers, in float32, whose bit patterns in bfloat16 an int16 array holds."""
    return (bits.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def to_numpy(tensor: Any, module: ModuleType) -> np.ndarray:
    """A framework's tensor as an array; dtypes that NumPy lacks come widened to one that it has."""
    tensor = tensor.detach()
    # Conjugation may be lazy; a framework without lazy conjugation need not have is_conj.
    if tensor.is_complex() and hasattr(tensor, "is_conj") and tensor.is_conj():
        tensor = tensor.resolve_conj()
    if module is torch:
        # PyTorch's lazy negation and its tensors known to be zero have no memory to show.
        tensor = tensor.resolve_neg()
        if tensor._is_zerotensor():
            tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    dtype = short_name(tensor.dtype)
    if dtype == "bfloat16":
        bits = np.atleast_1d(tensor.view(module.int16).numpy())
        return bfloat16_values(bits).reshape(tuple(tensor.shape))
    if dtype == "complex32":
        halves = np.ascontiguousarray(np.atleast_1d(tensor.view(module.int32).numpy()))
        pairs = halves.view(np.float16).astype(np.float32)
        return pairs.view(np.complex64).reshape(tuple(tensor.shape))
    if dtype in BITS:
        return tensor.view(getattr(module, BITS[dtype])).numpy()
    return tensor.numpy()
