"""Memory that is mapped: files, and memory that processes share."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Any

import numpy as np


class Mapping(mmap.mmap):
    """A memory map that keeps the file it maps open.

    Attributes:
        descriptor: the file's; another process that is sent it can map the file, too.
        filename: the path that a shared map was asked for by, else None.
    """

    descriptor: int
    filename: str | None

    def __del__(self) -> None:
        os.close(self.descriptor)


def mapping_of(array: np.ndarray | None) -> Mapping | None:
    """The map that a flat array is over, or None for any other memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, Mapping) else None


def _array_over(descriptor: int, nbytes: int, access: int, filename: str | None) -> np.ndarray:
    # The bytes of a file; its descriptor is taken over.
    if not nbytes:
        # No system maps an empty range.
        os.close(descriptor)
        return np.empty(0, np.uint8)
    try:
        mapping = Mapping(descriptor, nbytes, access=access)
    except (OSError, ValueError):
        os.close(descriptor)
        raise
    mapping.descriptor = descriptor
    mapping.filename = filename
    return np.frombuffer(mapping, np.uint8)


def map_shared(nbytes: int) -> np.ndarray:
    """New bytes, all zero, that child processes share: a map of a file without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("lamella")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, nbytes)
    return _array_over(descriptor, nbytes, mmap.ACCESS_WRITE, None)


def map_descriptor(descriptor: int, nbytes: int) -> np.ndarray:
    """The bytes of shared memory that another process sent; the descriptor is taken over."""
    return _array_over(descriptor, nbytes, mmap.ACCESS_WRITE, None)


def map_file(filename: str | os.PathLike[str], shared: bool, nbytes: int) -> np.ndarray:
    """The first bytes of a file, uint8 (nbytes,).

    Args:
        filename: the file; a shared one is made, and grows, where it must.
        shared: whether writes go to the file, seen by all that map it; else they are copies of
            this process's own.
        nbytes: how many bytes.

    Raises:
        RuntimeError: when the file cannot be opened, or is too small for a private map.
    """
    name = os.fspath(filename)
    if nbytes < 0:
        raise RuntimeError(f"unable to map {nbytes} bytes of file <{name}>: expected 0 or more")
    flags = (os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(name, flags, 0o600)
    except OSError as error:
        raise RuntimeError(
            f"unable to open file <{name}> in {'read-write' if shared else 'read-only'} mode: "
            f"{error.strerror} ({error.errno})"
        ) from None
    size = os.fstat(descriptor).st_size
    if size < nbytes:
        if not shared:
            os.close(descriptor)
            raise RuntimeError(
                f"file <{name}> size <{size}> is smaller than the required mapping size "
                f"<{nbytes}>; map it with shared=True to let it grow"
            )
        os.truncate(descriptor, nbytes)
    access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
    return _array_over(descriptor, nbytes, access, name if shared else None)
