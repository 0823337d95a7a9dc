"""Storage: the flat memory block that every view of it shares, with its version counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lamella_core.device import Device, device_of
from lamella_core.dispatch import backend_of_tensor

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


class Storage:
    """A block of memory, untyped: what a tensor's array is a strided view of.

    Attributes:
        version: how often the block was written to by in-place ops. Autograd compares it.
        resizable: whether the block may grow.
    """

    __slots__ = ("__weakref__", "_array", "_key", "_root", "version")

    resizable: ClassVar[bool] = True

    _array: Any
    _key: int
    _root: Any
    version: int

    @property
    def root(self) -> Any:
        """The backend's flat array over the whole block."""
        if self._root is None:
            self._root = backend_of_tensor(self).root(self._array)
        return self._root

    @property
    def device(self) -> Device:
        """Where the block is."""
        backend = backend_of_tensor(self)
        return device_of(backend.device_type, backend.device_index(self._array))

    def __len__(self) -> int:
        return self.nbytes()

    def nbytes(self) -> int:
        """Size of the block in bytes."""
        return int(self.root.size) * int(self.root.dtype.itemsize)

    size = nbytes

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return backend_of_tensor(self).data_ptr(self.root)

    def __repr__(self) -> str:
        return f"[torch.storage.UntypedStorage(device={self.device}) of size {self.nbytes()}]"


class BorrowedStorage(Storage):
    """A block that belongs to something else, such as a NumPy array of the user's."""

    __slots__ = ()

    resizable = False


def borrowed_storage(root: Any, key: int) -> Storage:
    """A storage over exactly the memory of the flat array ``root``, which may not grow."""
    storage = BorrowedStorage()
    storage._array = storage._root = root
    storage._key = key
    storage.version = 0
    return storage


def new_storage(array: Any, key: int) -> Storage:
    """A storage over the block that ``array`` is a view of; ``key`` holds the backend's bit."""
    storage = Storage()
    storage._array = array
    storage._key = key
    storage._root = None
    storage.version = 0
    return storage


def storage_of(tensor: Tensor) -> Storage:
    """The storage of a tensor, made on first request."""
    storage = tensor._storage
    if storage is None:
        storage = tensor._storage = new_storage(tensor._array, tensor._key)
    return storage


def mark_written(tensor: Tensor) -> None:
    """Counts one in-place write to the memory of ``tensor``."""
    storage = tensor._storage
    if storage is None:
        storage = storage_of(tensor)
    storage.version += 1


def grow(storage: Storage, nbytes: int) -> None:
    """Gives a storage at least ``nbytes``: new memory with the old contents at its start.

    Raises:
        RuntimeError: when the memory belongs to something else.
    """
    have = storage.nbytes()
    if have >= nbytes:
        return
    if not storage.resizable:
        raise RuntimeError(
            f"Trying to resize storage that is not resizable: it has {have} bytes, {nbytes} are "
            f"needed, and the memory is shared with an object that is no tensor"
        )
    root = storage.root
    backend = backend_of_tensor(storage)
    itemsize = root.dtype.itemsize
    larger = backend.empty((-(-nbytes // itemsize),), root.dtype, storage.device)
    if root.size:
        backend.copy_into(larger[: root.size], root)
    storage._array = storage._root = larger


def resize(tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Gives a tensor another shape, row-major, in the same storage, which grows where it must."""
    storage = storage_of(tensor)
    itemsize = tensor._dtype.itemsize
    strides: list[int] = []
    count = 1
    for n in reversed(shape):
        strides.append(count)
        count *= max(n, 1)
    strides.reverse()
    offset = 0 if 0 in shape else tensor.storage_offset()
    grow(storage, (offset + count) * itemsize if 0 not in shape else 0)
    tensor._array = backend_of_tensor(storage).as_strided(
        storage.root, tensor._dtype.numpy, shape, tuple(strides), offset
    )
