"""``load``: an object from a file that ``save``, here or in PyTorch, wrote."""

from __future__ import annotations

import io
import os
import pickle
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lamella_core.device import CPU
from lamella_core.dispatch import backend_of
from lamella_core.serialization.location import restorer
from lamella_core.serialization.names import imported
from lamella_core.serialization.restricted import RestrictedUnpickler
from lamella_core.serialization.source import Source
from lamella_core.serialization.storages import StorageType, TypedStorage
from lamella_core.serialization.unpickler import trusting_unpickler
from lamella_core.storage import borrowed_storage, new_storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_core.serialization.archive import ArchiveReader
    from lamella_core.serialization.location import Restore
    from lamella_core.storage import Storage

_ZIP_MAGIC = b"PK\x03\x04"

order_untold = [b"little"]
"""The byte order of files that do not tell theirs."""

older: list[str] = []
"""The ``"module:function"`` that reads the formats from before PyTorch 1.6, the facade's."""


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Loads an object from a file that :func:`save`, here or in PyTorch, wrote.

    The zip format (PyTorch 1.6 and later) is read, and where the distribution ``lamella`` is
    imported both legacy formats. With ``weights_only``, as by default, nothing of the file is run:
    it may hold tensors, parameters, storages, dicts, lists, tuples, sets, numbers, text, bytes,
    shapes, devices, dtypes, generators and what ``add_safe_globals`` allows. Sizes are held
    against the file before memory is taken, records against their checksums.

    Args:
        f: a path, or an object with ``read``, ``seek`` and ``tell``.
        map_location: where tensors go: None for where they were saved from; a device or its name
            for all; a dict from saved to wanted locations; a function of a storage on the CPU and
            its location that returns a storage, or None for where it was saved from.
        pickle_module: for ``weights_only=False``: a module to use in place of ``pickle``.
        weights_only: False lets the file use any class and function: it may then run any code.
        mmap: map the file into memory: storages are read when touched, and what is written to
            them is not written to the file. Checksums are not compared then. Zip format only.
        pickle_load_args: ``encoding`` for what Python 2 pickled; with ``weights_only=False`` any
            keyword of the unpickler.

    Raises:
        pickle.UnpicklingError: when the file names what it may not, or is no such file.
        RuntimeError: when it was cut off or damaged, or names a device that is not here.
        ValueError: for ``mmap`` without a path.
        EOFError: for an empty file.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    restore = restorer(map_location)
    path = os.fspath(f) if isinstance(f, (str, os.PathLike)) else None
    if mmap and path is None:
        raise ValueError("f must be a file path in order to use the mmap argument")
    options = {"encoding": "utf-8", **pickle_load_args}
    with _opened(f) as file:
        source = Source(file, path)
        start = file.tell()
        magic = file.read(len(_ZIP_MAGIC))
        file.seek(start)
        unpickle = _restricted if weights_only else _trusting
        module = pickle_module or pickle
        if magic == _ZIP_MAGIC:
            return _load_zip(source, restore, unpickle, bool(mmap), module, options)
        if not magic:
            raise EOFError(f"{source.name} is empty; expected a file that save wrote")
        if mmap:
            raise RuntimeError(
                f"{source.name} is no zip archive, which alone can be mapped: load it without mmap"
            )
        if not older:
            raise pickle.UnpicklingError(
                f"{source.name} is no zip archive; files from before PyTorch 1.6 are read when the "
                "distribution lamella is imported"
            )
        return imported(older[0])(source, restore, unpickle, module, options)


@contextmanager
def _opened(f: Any) -> Iterator[IO[bytes]]:
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb", buffering=0) as file:
            yield file
        return
    for method in ("read", "seek", "tell"):
        if not hasattr(f, method):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{method}'. load reads a path or a "
                "seekable file-like object; put the bytes of any other into an io.BytesIO"
            )
    yield f


def _restricted(
    data: Any, start: int, persistent_load: Any, pickle_module: Any, options: dict[str, Any]
) -> tuple[Any, int]:
    unknown = set(options) - {"encoding"}
    if unknown:
        named = ", ".join(sorted(unknown))
        raise TypeError(f"load with weights_only=True takes no keyword {named}")
    unpickler = RestrictedUnpickler(data, persistent_load, start, options["encoding"])
    return unpickler.load(), unpickler.position


def _trusting(
    data: Any, start: int, persistent_load: Any, pickle_module: Any, options: dict[str, Any]
) -> tuple[Any, int]:
    file: Any = io.BytesIO(data) if isinstance(data, bytes) else data
    file.seek(start)
    unpickler = trusting_unpickler(pickle_module, file, persistent_load, options)
    return unpickler.load(), file.tell()


def _load_zip(
    source: Source,
    restore: Restore,
    unpickle: Any,
    mapped: bool,
    pickle_module: Any,
    options: dict[str, Any],
) -> Any:
    from lamella_core.serialization.archive import ArchiveReader

    archive = ArchiveReader(source)
    if "data.pkl" not in archive and "constants.pkl" in archive:
        raise RuntimeError(f"{source.name} is a TorchScript archive; torch.jit.load reads those")
    storages = _ArchiveStorages(source, archive, restore, mapped)
    return unpickle(archive.read("data.pkl"), 0, storages.load, pickle_module, options)[0]


def check_identifier(identifier: Any) -> tuple[StorageType, str, str, int]:
    # The type, key, location and number of elements of a storage that a pickle refers to.
    #
    # Raises:
    #     UnpicklingError: when it is not such a reference.
    if isinstance(identifier, tuple) and len(identifier) in (5, 6) and identifier[0] == "storage":
        kind, key, location, count = identifier[1:5]
        if isinstance(kind, StorageType) and type(count) is int and 0 <= count < 2**62:
            if isinstance(key, str) and isinstance(location, str):
                return kind, key, location, count
    raise pickle.UnpicklingError(
        "the pickle refers to a storage by something other than its type, key, location and size"
    )


def as_typed(storage: Storage, kind: StorageType, filled: bool = True) -> Storage | TypedStorage:
    # What a file means by a storage of a type.
    return storage if kind.dtype is None else TypedStorage(storage, kind.dtype, filled)


class _ArchiveStorages:
    # The storages of an archive, each read when it is first referred to.
    __slots__ = ("_archive", "_mapped", "_read", "_restore", "_source", "_swapped")

    def __init__(
        self, source: Source, archive: ArchiveReader, restore: Restore, mapped: bool
    ) -> None:
        self._source = source
        self._archive = archive
        self._restore = restore
        self._mapped = mapped
        self._read: dict[str, tuple[Storage, int]] = {}
        order = archive.read("byteorder") if "byteorder" in archive else order_untold[0]
        if order not in (b"little", b"big"):
            raise RuntimeError(f"{source.name} has the byte order {order[:20]!r}, which is none")
        self._swapped = order.decode() != sys.byteorder
        if self._swapped and mapped:
            raise RuntimeError(
                f"{source.name} has the byte order {order.decode()!r}, which is not this "
                "machine's: load it without mmap"
            )

    def load(self, identifier: Any) -> Storage | TypedStorage:
        """The storage that a pickle refers to."""
        kind, key, location, count = check_identifier(identifier)
        known = self._read.get(key)
        if known is None:
            found = self._archive.find(f"data/{key}").size
            size = self._check_size(key, count * kind.itemsize, found)
            read = self._map if self._mapped and size else self._load
            storage = self._restore(read(key, kind), location)
            self._read[key] = storage, size
        else:
            storage, size = known
            self._check_size(key, count * kind.itemsize, size)
        return as_typed(storage, kind)

    def _check_size(self, key: str, wanted: int, found: int) -> int:
        if wanted != found:
            raise RuntimeError(
                f"{self._source.name} is damaged: its pickle says that storage {key!r} has "
                f"{wanted} bytes and its record has {found}"
            )
        return found

    def _load(self, key: str, kind: StorageType) -> Storage:
        name = f"data/{key}"
        record = self._archive.find(name)
        array = np.empty(record.size // kind.itemsize, numpy_type(kind))
        crc = self._source.read_into(record.start, array.view(np.uint8).data)
        self._archive.check(name, record, crc)
        if self._swapped:
            array.byteswap(inplace=True)
        return new_storage(array, backend_of(CPU).key)

    def _map(self, key: str, kind: StorageType) -> Storage:
        record = self._archive.find(f"data/{key}")
        count = record.size // kind.itemsize
        array = np.frombuffer(self._source.mapped(), numpy_type(kind), count, record.start)
        return borrowed_storage(array, backend_of(CPU).key)


def numpy_type(kind: StorageType) -> np.dtype:
    # The type of the elements in memory; bytes for an untyped storage.
    return np.dtype(np.uint8) if kind.dtype is None else kind.dtype.numpy
