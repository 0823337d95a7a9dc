"""The two formats from before PyTorch 1.6.

*The sequence* (0.1.10 to 1.5): pickles on end: a magic number, the protocol version, facts of the
machine, the object, the list of storage keys. After them come, for each key, the number of
elements as an int64 and the elements.

*The tar* (before 0.1.10): the members ``storages`` (for each: a pickle of key, location and type,
the number of elements, the elements), ``tensors`` (for each: a pickle of key, storage key and
type, then dimensions, sizes, strides and offset as integers) and ``pickle``, whose persistent
numbers are keys of tensors.
"""

from __future__ import annotations

import pickle
import struct
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.device import CPU
from lamella_core.dispatch import backend_of, backend_of_tensor
from lamella_core.serialization.loading import as_typed, check_identifier, numpy_type
from lamella_core.serialization.rebuild import strided_tensor
from lamella_core.serialization.restricted import RestrictedUnpickler
from lamella_core.serialization.storages import StorageType
from lamella_core.storage import borrowed_storage, new_storage

if TYPE_CHECKING:
    from lamella_core.serialization.location import Restore
    from lamella_core.serialization.source import Source
    from lamella_core.storage import Storage
    from lamella_core.tensor import Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257
_MAX_DIMS = 64


def load_legacy(
    source: Source, restore: Restore, unpickle: Any, pickle_module: Any, options: dict[str, Any]
) -> Any:
    # Loads an object from a legacy file that begins where ``source`` stands.
    #
    # Raises:
    #     pickle.UnpicklingError: when the file is in neither format.
    #     RuntimeError: when it is cut off, damaged or written by an unknown version.
    start = source.file().tell()
    if source.read(start + _TAR_MAGIC_AT, len(_TAR_MAGIC)) == _TAR_MAGIC:
        source.file().seek(start)
        return _load_tar(source, restore, unpickle, pickle_module, options)
    source.file().seek(start)
    return _load_sequence(source, restore, unpickle, pickle_module, options)


# ------------ sequence


def _load_sequence(
    source: Source, restore: Restore, unpickle: Any, pickle_module: Any, options: dict[str, Any]
) -> Any:
    data, place = source.rest()
    base = place
    try:
        # The header is plain data, so it is never trusted with more.
        magic, place = _plain(data, place)
    except pickle.UnpicklingError:
        magic = None
    if type(magic) is not int or magic != _MAGIC:
        raise pickle.UnpicklingError(
            f"Invalid magic number; {source.name} is neither a zip archive nor a file of the "
            "legacy format: expected a file that torch.save wrote"
        )
    version, place = _plain(data, place)
    machine, place = _plain(data, place)
    if type(version) is not int or version != _PROTOCOL:
        raise RuntimeError(f"{source.name} has an unknown protocol version; expected {_PROTOCOL}")
    little = not isinstance(machine, dict) or machine.get("little_endian", True) is not False
    storages = _SequenceStorages(source, restore, len(data) - base)
    result, place = unpickle(data, place, storages.load, pickle_module, options)
    keys, place = _plain(data, place)
    place = storages.fill(data, place, keys, little)
    if source.path is None:
        source.file().seek(place)
    return result


def _plain(data: Any, place: int) -> tuple[Any, int]:
    unpickler = RestrictedUnpickler(data, None, place)
    return unpickler.load(), unpickler.position


class _SequenceStorages:
    # Storages that are referred to first and read afterwards.
    __slots__ = ("_kinds", "_left", "_restore", "_source", "_storages", "_views")

    def __init__(self, source: Source, restore: Restore, room: int) -> None:
        self._source = source
        self._restore = restore
        self._left = room
        self._storages: dict[str, Storage] = {}
        self._kinds: dict[str, StorageType] = {}
        self._views: dict[str, Storage] = {}

    def load(self, identifier: Any) -> Any:
        # What the pickle refers to: a storage, a part of one, or a class with its source code.
        if isinstance(identifier, tuple) and len(identifier) == 4 and identifier[0] == "module":
            return identifier[1]
        kind, key, location, count = check_identifier(identifier)
        size = count * kind.itemsize
        if key not in self._storages:
            self._left -= size
            if self._left < 0:
                raise self._damaged(f"claims more elements for storage {key!r} than it has bytes")
            storage = new_storage(np.zeros(count, numpy_type(kind)), backend_of(CPU).key)
            self._storages[key] = self._restore(storage, location)
            self._kinds[key] = kind
        storage = self._storages[key]
        if storage.nbytes() != size:
            raise self._damaged(f"refers to storage {key!r} with two sizes")
        view = identifier[5] if len(identifier) == 6 else None
        if view is not None:
            storage = self._view(storage, kind, view)
        return as_typed(storage, kind, filled=False)

    def _view(self, storage: Storage, kind: StorageType, view: Any) -> Storage:
        # Storages of PyTorch before 0.4 could be parts of others.
        if not (isinstance(view, tuple) and len(view) == 3 and isinstance(view[0], str)):
            raise self._damaged("has a view of a storage without key, offset and size")
        key, offset, count = view
        element_type = kind.dtype
        if key not in self._views:
            if element_type is None:
                raise self._damaged("has a view of an untyped storage")
            part = strided_tensor(storage, element_type, offset, (count,), (1,))
            self._views[key] = borrowed_storage(part._array, storage._key)
        return self._views[key]

    def fill(self, data: Any, place: int, keys: Any, little: bool) -> int:
        # Reads the elements of all storages; returns where they end.
        if not isinstance(keys, list) or {*map(_text, keys)} != set(self._storages):
            raise self._damaged("has other storages than its pickle refers to")
        for key in keys:
            storage, kind = self._storages[key], self._kinds[key]
            size = storage.nbytes()
            header = bytes(data[place : place + 8])
            place += 8
            if len(header) < 8 or struct.unpack("<q", header)[0] * kind.itemsize != size:
                raise self._damaged(f"has another size for storage {key!r} than its pickle says")
            if place + size > len(data):
                raise self._damaged(f"was cut off within storage {key!r}")
            elements = np.frombuffer(data, np.uint8, size, place) if size else np.empty(0, np.uint8)
            _fill(storage, kind, elements, little)
            place += size
        return place

    def _damaged(self, what: str) -> RuntimeError:
        return RuntimeError(f"{self._source.name} {what}: it is damaged")


def _text(key: Any) -> str:
    return key if isinstance(key, str) else ""


def _fill(storage: Storage, kind: StorageType, elements: np.ndarray, little: bool) -> None:
    array = elements.view(numpy_type(kind))
    if little != _IS_LITTLE:
        array = array.byteswap()
    backend = backend_of_tensor(storage)
    backend.copy_into(storage.root, backend.from_numpy(array, storage.device))


_IS_LITTLE = np.dtype("<i4").isnative


# ------------ tar


def _load_tar(
    source: Source, restore: Restore, unpickle: Any, pickle_module: Any, options: dict[str, Any]
) -> Any:
    try:
        with tarfile.open(fileobj=source.file(), mode="r:") as tar:
            members = [_member(tar, name, source) for name in ("storages", "tensors", "pickle")]
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise RuntimeError(f"{source.name} is a damaged tar archive: {error}") from None
    try:
        storages = _tar_storages(members[0], restore)
        tensors = _tar_tensors(members[1], storages)
    except (struct.error, IndexError, KeyError, TypeError, OverflowError, ValueError) as error:
        raise RuntimeError(f"{source.name} is damaged: {type(error).__name__}: {error}") from None

    def persistent(identifier: Any) -> Any:
        if isinstance(identifier, tuple) and identifier:
            return identifier[0]
        try:
            return tensors[int(identifier)]
        except (KeyError, TypeError, ValueError):
            raise pickle.UnpicklingError("the pickle refers to a tensor of none") from None

    return unpickle(members[2], 0, persistent, pickle_module, options)[0]


def _member(tar: tarfile.TarFile, name: str, source: Source) -> bytes:
    # Read in place and never unpacked, so that no name in the archive reaches a folder.
    try:
        info = tar.getmember(name)
    except KeyError:
        raise RuntimeError(f"{source.name} is a tar archive without the member {name!r}") from None
    file = tar.extractfile(info) if info.isreg() and not info.issparse() else None
    if file is None or info.size > source.size:
        raise RuntimeError(f"{source.name} is damaged: its member {name!r} is no plain file in it")
    return file.read()


def _tar_storages(data: bytes, restore: Restore) -> dict[Any, tuple[Storage, StorageType]]:
    storages: dict[Any, tuple[Storage, StorageType]] = {}
    count, place = _plain(data, 0)
    for _ in range(count):
        (key, location, kind), place = _plain(data, place)
        if not isinstance(kind, StorageType) or kind.dtype is None or not isinstance(location, str):
            raise ValueError("a storage has no type or location")
        (numel,) = struct.unpack_from("<q", data, place)
        place += 8
        if numel < 0 or numel * kind.itemsize > len(data) - place:
            raise ValueError(f"a storage claims {numel} elements and the file ends before")
        array = np.frombuffer(data, kind.dtype.numpy, numel, place).copy()
        if not _IS_LITTLE:
            array.byteswap(inplace=True)
        place += numel * kind.itemsize
        storages[int(key)] = restore(new_storage(array, backend_of(CPU).key), location), kind
    views, place = _plain(data, place)
    for key, root, offset, numel in views:
        storage, kind = storages[int(root)]
        assert kind.dtype is not None
        part = strided_tensor(storage, kind.dtype, offset, (numel,), (1,))
        storages[int(key)] = borrowed_storage(part._array, storage._key), kind
    return storages


def _tar_tensors(
    data: bytes, storages: dict[Any, tuple[Storage, StorageType]]
) -> dict[int, Tensor]:
    tensors: dict[int, Tensor] = {}
    count, place = _plain(data, 0)
    for _ in range(count):
        (key, storage_key, _), place = _plain(data, place)
        (ndim,) = struct.unpack_from("<i", data, place)
        if not 0 <= ndim <= _MAX_DIMS:
            raise ValueError(f"a tensor claims {ndim} dimensions")
        place += 8
        numbers = struct.unpack_from(f"<{2 * ndim + 1}q", data, place)
        place += 8 * len(numbers)
        storage, kind = storages[int(storage_key)]
        assert kind.dtype is not None
        tensors[int(key)] = strided_tensor(
            storage, kind.dtype, numbers[-1], numbers[:ndim], numbers[ndim : 2 * ndim]
        )
    return tensors
