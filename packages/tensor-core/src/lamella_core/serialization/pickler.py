"""Pickles objects as PyTorch does: its names for globals, storages by key beside the pickle."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from types import FunctionType
from typing import IO, Any

from lamella_core import formats
from lamella_core.device import Device
from lamella_core.dtype import WIDE_UNSIGNED, dtype
from lamella_core.generator import Generator
from lamella_core.ops.copying import attributes_of
from lamella_core.serialization import rebuild
from lamella_core.serialization.location import location_of
from lamella_core.serialization.names import name_of, reducer_of
from lamella_core.serialization.storages import OF_DTYPE, UNTYPED, StorageType, TypedStorage
from lamella_core.size import Size
from lamella_core.storage import Storage, check_not_lifted, storage_of
from lamella_core.storage_types import TypedStorage as AnyTypedStorage
from lamella_core.tensor import Tensor

_InPython: Any = pickle._Pickler  # type: ignore[attr-defined]


class Pickler(_InPython):
    """Writes one pickle; the storages that it refers to are collected.

    It builds on the standard library's pickler in Python, as the one in C writes a global only
    where that global can be imported, and PyTorch's need not be here.

    Attributes:
        storages: the memory blocks to be written beside the pickle, by key.
    """

    dispatch: dict[type, Any] = dict(_InPython.dispatch)

    def __init__(self, file: IO[bytes], protocol: int) -> None:
        super().__init__(file, protocol)
        self.storages: dict[str, Storage] = {}
        self._keys: dict[Any, tuple[str, dtype | None]] = {}

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, AnyTypedStorage):
            return self._storage_id(obj.untyped(), OF_DTYPE[obj.dtype])
        if isinstance(obj, Storage):
            return self._storage_id(obj, UNTYPED)
        return None

    def _storage_id(self, storage: Storage, storage_type: StorageType) -> tuple[Any, ...]:
        size = storage.nbytes()
        # Two objects may stand for one block of memory; empty ones have no address to go by.
        identity = (storage.device, storage.data_ptr(), size) if size else id(storage)
        known = self._keys.get(identity)
        if known is None:
            known = self._keys[identity] = str(len(self._keys)), storage_type.dtype
            self.storages[known[0]] = storage
        key, element_type = known
        if element_type is not storage_type.dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                f"types: {element_type or 'untyped'} and {storage_type.dtype or 'untyped'}. Save a "
                "clone of one of them"
            )
        count = size // storage_type.itemsize
        return "storage", storage_type, key, location_of(storage), count

    def reducer_override(self, obj: Any) -> Any:
        reduce = _REDUCERS.get(type(obj))
        if reduce is None:
            reduce = reducer_of(type(obj))
            if reduce is None:
                if isinstance(obj, Tensor) and type(obj).__reduce_ex__ is Tensor.__reduce_ex__:
                    return _reduce_subclass(obj)
                return NotImplemented
        return reduce(obj)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        known = name_of(obj)
        if known is None:
            super().save_global(obj, name)
            return
        self.write(pickle.GLOBAL + "{}\n{}\n".format(*known).encode())
        self.memoize(obj)

    dispatch[FunctionType] = save_global


def _reduce_tensor(tensor: Tensor) -> tuple[Any, ...]:
    check_not_lifted("save", tensor)
    place: tuple[Any, ...] = (
        tensor.storage_offset(),
        tuple(tensor._array.shape),
        tensor.stride(),
        tensor.requires_grad,
        OrderedDict(),
    )
    storage, kind = storage_of(tensor), tensor._dtype
    function: Any
    arguments: tuple[Any, ...]
    if kind in WIDE_UNSIGNED:
        function, arguments = rebuild.rebuild_tensor_v3, (storage, *place, kind)
    else:
        function, arguments = rebuild.rebuild_tensor_v2, (TypedStorage(storage, kind), *place)
    attributes = attributes_of(tensor)
    if attributes:
        return rebuild.rebuild_from_type, (function, Tensor, arguments, attributes)
    return function, arguments


def _reduce_subclass(tensor: Tensor) -> tuple[Any, ...]:
    function, arguments = _reduce_tensor(tensor)
    if function is rebuild.rebuild_from_type:
        function, _, arguments, _ = arguments
    return rebuild.rebuild_from_type, (function, type(tensor), arguments, attributes_of(tensor))


def _reduce_generator(generator: Generator) -> tuple[Any, ...]:
    state = (generator.initial_seed(), None, generator.get_state())
    return rebuild.make_generator, (generator.device,), state


def _reduce_device(device: Device) -> tuple[Any, ...]:
    return Device, (device.type,) if device.index is None else (device.type, device.index)


# A string says that the object is a global, whose name the table of names has.
_REDUCERS: dict[type, Any] = {
    Tensor: _reduce_tensor,
    dtype: lambda each: each.name,
    StorageType: lambda each: each.name,
    Device: _reduce_device,
    Size: lambda size: (rebuild.make_size, (tuple(size),)),
    formats.layout: lambda layout: (rebuild.layout_by_name, (f"torch.{layout.name}",)),
    Generator: _reduce_generator,
}
