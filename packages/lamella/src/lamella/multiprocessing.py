"""Python's ``multiprocessing`` with tensors sent as handles of shared memory.

Everything of the standard module is here under its own name. With this module imported, a tensor
or storage put in a queue, a pipe or a process's arguments is moved to shared memory first and only
the descriptor of that memory is sent, so that sender and receiver see each other's writes.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import *  # noqa: F403  (all of it is public here)
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any
from weakref import WeakValueDictionary

from lamella import _shared_files
from lamella._spawning import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)
from lamella_core.dispatch import backend_of_tensor, mark_order
from lamella_core.dtype import dtype
from lamella_core.shared_memory import map_descriptor, mapping_of
from lamella_core.storage import (
    BorrowedStorage,
    MappedStorage,
    PinnedStorage,
    Storage,
    mapped_storage,
)
from lamella_core.storage_types import TypedStorage
from lamella_core.tensor import Tensor, wrap

__all__ = [
    *multiprocessing.__all__,
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_STRATEGIES = ("file_descriptor", "file_system")
_strategy = "file_descriptor"

# The storages of this process by the device and number of the file they map: tensors that shared
# a storage where they were sent share one here, too.
_storages: WeakValueDictionary[tuple[int, int], Storage] = WeakValueDictionary()


def get_all_sharing_strategies() -> set[str]:
    """The ways of sharing memory: ``file_descriptor`` and ``file_system``."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """The way of sharing memory in use."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Chooses the way of sharing memory, of what is shared from now on.

    Args:
        new_strategy: ``"file_descriptor"``: what is sent is a descriptor of memory without a name;
            ``"file_system"``: the name of a file in memory.

    Raises:
        ValueError: for any other.
    """
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise ValueError(
            f"sharing strategy {new_strategy!r} is not there; there are {', '.join(_STRATEGIES)}"
        )
    _shared_files.choose(new_strategy == "file_system")
    _strategy = new_strategy


def register(cls: type[Tensor], rebuild: Any) -> None:
    """Sends tensors of a subclass through shared memory, too.

    Args:
        cls: the class.
        rebuild: makes one of a plain tensor and whether it requires grad.
    """

    def reduce(tensor: Tensor) -> tuple[Any, ...]:
        return _rebuild_as, (rebuild, _plain(tensor), tensor.requires_grad)

    ForkingPickler.register(cls, reduce)


def _plain(tensor: Tensor) -> Tensor:
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries. If you just want to transfer the data, "
            "call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    return tensor.detach()


def _rebuild_as(rebuild: Any, tensor: Tensor, requires_grad: bool) -> Any:
    return rebuild(tensor, requires_grad)


def _reduce_tensor(tensor: Tensor) -> tuple[Any, ...]:
    data = _plain(tensor)
    place = (data.storage_offset(), tuple(data.shape), data.stride())
    return _rebuild_tensor, (data.untyped_storage(), data.dtype, *place, tensor.requires_grad)


def _rebuild_tensor(
    storage: Storage,
    element_type: dtype,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    requires_grad: bool,
) -> Tensor:
    backend = backend_of_tensor(storage)
    array = backend.as_strided(storage.root, element_type.numpy, shape, strides, offset)
    tensor = mark_order(wrap(array, element_type, backend.key))
    tensor._storage = storage
    return tensor.requires_grad_() if requires_grad else tensor


def _reduce_storage(storage: Storage) -> tuple[Any, ...]:
    if storage.is_cuda:
        raise RuntimeError(
            "a CUDA storage cannot be sent to another process; send its .cpu() and move it there"
        )
    if storage.is_pinned() or not (storage.is_shared() or storage.resizable()):
        # Memory of another owner cannot move; what is sent is a shared copy.
        storage = storage.clone()
    storage.share_memory_()
    mapping = mapping_of(storage.root)
    if mapping is None:
        return Storage, (0,)
    if isinstance(mapping, _shared_files.NamedMapping):
        _storages[_file(mapping.name)] = storage
        return _rebuild_named, (mapping.new_name(), storage.nbytes())
    _storages[_file(mapping.descriptor)] = storage
    return _rebuild_storage, (DupFd(mapping.descriptor), storage.nbytes())


def _file(name: str | int) -> tuple[int, int]:
    information = os.stat(name)
    return information.st_dev, information.st_ino


def _rebuild_storage(handle: Any, nbytes: int) -> Storage:
    return _mapped(handle.detach(), nbytes, map_descriptor, os.close)


def _rebuild_named(name: str, nbytes: int) -> Storage:
    return _mapped(name, nbytes, _shared_files.map_named, _shared_files.remove)


def _mapped(handle: Any, nbytes: int, map_it: Any, drop: Any) -> Storage:
    # The storage over a file, which is this process's own where it has mapped the file.
    key = _file(handle)
    known = _storages.get(key)
    if known is not None and known.nbytes() == nbytes:
        drop(handle)
        return known
    storage = _storages[key] = mapped_storage(map_it(handle, nbytes))
    return storage


for _class in (Storage, BorrowedStorage, MappedStorage, PinnedStorage):
    ForkingPickler.register(_class, _reduce_storage)
ForkingPickler.register(TypedStorage, TypedStorage.__reduce__)
ForkingPickler.register(Tensor, _reduce_tensor)
