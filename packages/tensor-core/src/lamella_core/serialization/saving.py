"""``save``: an object and the storages of its tensors into one file."""

from __future__ import annotations

import io
import os
import pickle
import sys
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import backend_of_tensor
from lamella_core.serialization.atomic import replacing
from lamella_core.serialization.pickler import Pickler

if TYPE_CHECKING:
    from lamella_core.storage import Storage

_FORMAT_VERSION = b"3\n"
_RECORDS_VERSION = b"1"


def save(
    obj: object,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Saves an object to a file, in the format that PyTorch reads too.

    Tensors keep dtype, shape, strides, offset and ``requires_grad``; tensors that share memory
    share it again when loaded, and the memory is written once and whole. A file at a path is
    replaced when the new one is complete and on the disk: until then the old one is there. A
    file-like object is written to directly.

    Args:
        obj: any object that can be pickled, with tensors in it.
        f: a path, or an object with ``write`` for bytes.
        pickle_module: the standard library's ``pickle``, the only one that is served.
        pickle_protocol: 2 to 5. PyTorch's ``load`` with ``weights_only=True`` reads 2.

    Raises:
        RuntimeError: when the folder of the path does not exist; when tensors of two dtypes share
            a storage.
        AttributeError: when ``f`` is neither path nor file-like.
        ValueError: for another pickle module or protocol, or the legacy format.
    """
    if pickle_module is not pickle:
        raise ValueError(
            f"pickle_module must be the standard library's pickle, got {pickle_module!r}"
        )
    if not 2 <= pickle_protocol <= pickle.HIGHEST_PROTOCOL:
        raise ValueError(
            f"pickle_protocol must be 2 to {pickle.HIGHEST_PROTOCOL}, got {pickle_protocol}"
        )
    if not _use_new_zipfile_serialization:
        raise ValueError(
            "the legacy format is read and not written; PyTorch 1.6 and later read the zip format"
        )
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        folder = os.path.splitext(os.path.basename(path))[0] or "archive"
        with replacing(path) as file:
            _write(obj, file, folder, pickle_protocol, not _disable_byteorder_record)
    elif hasattr(f, "write"):
        out: Any = f
        if not isinstance(f, (io.BytesIO, io.FileIO, io.BufferedWriter, io.BufferedRandom)):
            # What compresses or sends its bytes may tell a place and not go back to it.
            out = SimpleNamespace(write=f.write, flush=f.flush)
        _write(obj, out, "archive", pickle_protocol, not _disable_byteorder_record)
    else:
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got "
            f"{type(f).__name__}"
        )


def _write(obj: object, file: IO[bytes], folder: str, protocol: int, byteorder: bool) -> None:
    from lamella_core.serialization.archive import ALIGNMENT, ArchiveWriter

    pickled = io.BytesIO()
    pickler = Pickler(pickled, protocol)
    pickler.dump(obj)
    archive = ArchiveWriter(file, folder)
    archive.write("data.pkl", pickled.getbuffer())
    archive.write(".format_version", _RECORDS_VERSION)
    archive.write(".storage_alignment", str(ALIGNMENT).encode())
    if byteorder:
        archive.write("byteorder", sys.byteorder.encode())
    for key, storage in pickler.storages.items():
        archive.write(f"data/{key}", bytes_of(storage))
    archive.write("version", _FORMAT_VERSION)
    archive.close()


def bytes_of(storage: Storage) -> np.ndarray:
    """The bytes of a storage, uint8 (n,): its memory itself where that is the host's."""
    return backend_of_tensor(storage).to_numpy(storage.root).view(np.uint8)
