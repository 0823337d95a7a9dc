"""Shared memory that is known by a file's name: the sharing strategy ``file_system``.

A name is sent where ``file_descriptor`` sends a descriptor. A name belongs to one mapping of one
process, which removes it at its end: the sender makes one more of the same file (a hard link) for
each time the memory is sent, and the receiver takes it over. Names that are left by processes that
were killed are removed by Python's resource tracker when the last process of the program has ended.
"""

from __future__ import annotations

import mmap
import os
import secrets
import tempfile
from multiprocessing import resource_tracker
from multiprocessing.util import Finalize

import numpy as np

from lamella_core import shared_memory
from lamella_core.shared_memory import Mapping

# Files there are memory. The tracker removes names of this folder alone.
_MEMORY = "/dev/shm"
_HAS_MEMORY = os.path.isdir(_MEMORY)
_FOLDER = _MEMORY if _HAS_MEMORY else tempfile.gettempdir()

_AFTER_QUEUES = -10

_map_without_name = shared_memory.map_shared


class NamedMapping(Mapping):
    """A memory map of a file whose name is its own.

    Attributes:
        name: the file's, which is removed with the map, or at the end of the process that made it.
    """

    name: str

    def __del__(self) -> None:
        # The descriptor is closed already.
        pass

    def new_name(self) -> str:
        """One more name of the file, for the process that is sent it."""
        name = _new_name()
        _track(name)
        os.link(self.name, name)
        return name


def choose(named: bool) -> None:
    """Whether memory that is shared from now on has names."""
    if named and _HAS_MEMORY:
        # Before the first worker is started, so that all are of one tracker.
        resource_tracker.ensure_running()
    shared_memory.map_shared = _map_new if named else _map_without_name


def map_named(name: str, nbytes: int) -> np.ndarray:
    """The bytes of a file, uint8 (nbytes,); its name is taken over."""
    descriptor = os.open(name, os.O_RDWR)
    try:
        mapping = NamedMapping(descriptor, nbytes, access=mmap.ACCESS_WRITE)
    finally:
        os.close(descriptor)
    mapping.name, mapping.filename = name, None
    # Not in forks, which have the map, too. At the end it comes after queues have sent the rest.
    Finalize(mapping, remove, (name,), exitpriority=_AFTER_QUEUES)
    return np.frombuffer(mapping, np.uint8)


def _map_new(nbytes: int) -> np.ndarray:
    if not nbytes:
        return _map_without_name(nbytes)
    name = _new_name()
    _track(name)
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.truncate(descriptor, nbytes)
    finally:
        os.close(descriptor)
    return map_named(name, nbytes)


def _new_name() -> str:
    return os.path.join(_FOLDER, f"lamella_{os.getpid()}_{secrets.token_hex(8)}")


def _track(name: str) -> None:
    if _HAS_MEMORY:
        resource_tracker.register(f"/{os.path.basename(name)}", "shared_memory")


def remove(name: str) -> None:
    """Takes a name away; its file ends with the last of its names and maps."""
    try:
        os.unlink(name)
    except FileNotFoundError:
        return
    if _HAS_MEMORY:
        resource_tracker.unregister(f"/{os.path.basename(name)}", "shared_memory")
