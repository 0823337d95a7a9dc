"""Storage: the flat memory block that every view of it shares, with its version counter."""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamella_core.device import CPU, Device, device_of
from lamella_core.dispatch import (
    LIFTED,
    backend_of,
    backend_of_tensor,
    backends,
    load_backends,
)
from lamella_core.formats import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from lamella_core.tensor import Tensor


class Storage:
    """A block of memory, untyped: what a tensor's array is a strided view of.

    ``UntypedStorage(size)`` has that many bytes, not set; ``UntypedStorage(sequence)`` the integers
    given, each modulo 256. Its length and its elements are bytes.

    Args:
        data: the number of bytes, or the bytes as a sequence of integers.
        device: where the memory is; the CPU when None.

    Raises:
        RuntimeError: for anything else than a number of bytes or a sequence of integers.

    Attributes:
        version: how often the block was written to by in-place ops. Autograd compares it.
    """

    __slots__ = ("__weakref__", "_array", "_key", "_root", "version")

    _resizable: ClassVar[bool] = True
    is_hpu = is_sparse = is_sparse_csr = False

    _array: Any
    _key: int
    _root: Any
    version: int

    def __init__(self, data: Any = 0, /, *, device: Any = None) -> None:
        place = CPU if device is None else Device(device)
        backend = backend_of(place)
        if isinstance(data, (int, np.integer)) and data.__class__ is not bool:
            if data < 0:
                raise RuntimeError(f"torch.UntypedStorage(): a size must not be negative: {data}")
            array = backend.empty((int(data),), _BYTE, place)
        else:
            array = backend.from_numpy(_bytes_of_sequence(data), place)
        self._array = self._root = array
        self._key = backend.key
        self.version = 0

    @property
    def root(self) -> Any:
        """The backend's flat array over the whole block."""
        if self._root is None:
            self._root = backend_of_tensor(self).root(self._array)
        return self._root

    # ------------ description

    @property
    def device(self) -> Device:
        """Where the block is."""
        backend = backend_of_tensor(self)
        return device_of(backend.device_type, backend.device_index(self._array))

    @property
    def is_cuda(self) -> bool:
        """Whether the block is on a CUDA device."""
        return backend_of_tensor(self).device_type == "cuda"

    @property
    def filename(self) -> str | None:
        """The file that the block is a shared map of, else None."""
        return None

    def get_device(self) -> int | None:
        """The index of the device; None for a device without one."""
        return self.device.index

    def __len__(self) -> int:
        return self.nbytes()

    def nbytes(self) -> int:
        """Size of the block in bytes."""
        return int(self.root.size) * int(self.root.dtype.itemsize)

    size = nbytes

    def element_size(self) -> int:
        """1: the elements are bytes."""
        return 1

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return backend_of_tensor(self).data_ptr(self.root) if self.root.size else 0

    def resizable(self) -> bool:
        """Whether the block may change its size: it may not where something else owns it."""
        return self._resizable

    def untyped(self) -> Storage:
        """The storage itself."""
        return self

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.tolist()))
        return f" {lines}\n[torch.storage.UntypedStorage(device={self.device}) of size {len(self)}]"

    # ------------ elements

    def _bytes(self) -> Any:
        return self.root.view(_BYTE)

    def __getitem__(self, index: int | slice) -> Any:
        """A byte as a number, or for a slice a storage over the same memory.

        Raises:
            IndexError: when the index is out of range.
            TypeError: for an index of another kind.
        """
        part = self._bytes()[self._place(index)]
        return borrowed_storage(part, self._key) if isinstance(index, slice) else int(part)

    def __setitem__(self, index: int | slice, value: int) -> None:
        if not isinstance(value, (int, np.integer)):
            raise RuntimeError(f"a storage takes bytes as int, but got {type(value).__name__}")
        self._bytes()[self._place(index)] = value % 256
        self.version += 1

    def _place(self, index: Any) -> int | slice:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise RuntimeError(
                    f"a storage is sliced with step 1, got a step of {step}; slice a tensor over it"
                )
            return slice(start, max(start, stop))
        if not isinstance(index, (int, np.integer)) or index.__class__ is bool:
            raise TypeError(f"can't index a torch.UntypedStorage with {type(index).__name__}")
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} out of range for storage of size {n}")
        return int(index) % n

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def tolist(self) -> list[int]:
        """The bytes as a list of numbers."""
        return backend_of_tensor(self).to_numpy(self._bytes()).tolist()

    def fill_(self, value: int) -> Storage:
        """Sets every byte."""
        self[:] = value
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> Storage:
        """Copies the bytes of a storage of the same size, on any device.

        Args:
            source: an untyped or typed storage; the bytes are not converted.
            non_blocking: accepted; the copy is finished on return.

        Raises:
            RuntimeError: when the sizes differ.
            TypeError: when the source is no storage.
        """
        if not hasattr(source, "untyped"):
            raise TypeError(f"copy_ expects a storage, but got {type(source).__name__}")
        source = source.untyped()
        if source.nbytes() != self.nbytes():
            raise RuntimeError(
                f"size does not match, self was {self.nbytes()} bytes but src was "
                f"{source.nbytes()} bytes"
            )
        array = source._bytes()
        if source._key != self._key or source.device != self.device:
            own = backend_of_tensor(source).to_numpy(array)
            array = backend_of_tensor(self).from_numpy(own, self.device)
        backend_of_tensor(self).copy_into(self._bytes(), array)
        self.version += 1
        return self

    def byteswap(self, dtype: Any) -> None:
        """Reverses the order of the bytes of each element of type ``dtype``, in place.

        Raises:
            RuntimeError: when the size is no multiple of the element's.
        """
        # The parts of a complex number are swapped each on its own.
        width = dtype.to_real().itemsize
        if len(self) % width:
            raise RuntimeError(f"the length of data is not a multiple of {width}")
        rows = self._bytes().reshape(-1, width)
        rows[:] = rows[:, ::-1].copy()
        self.version += 1

    # ------------ memory

    def new(self, *args: Any) -> Storage:
        """Another storage on the same device; arguments as for the class."""
        return Storage(*args, device=self.device)

    def clone(self) -> Storage:
        """A copy in new memory."""
        return Storage(len(self), device=self.device).copy_(self)

    def __copy__(self) -> Storage:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Storage:
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = self.clone()
        return known

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_bytes, (backend_of_tensor(self).to_numpy(self._bytes()).tobytes(), self.device)

    def to(self, *, device: Any, non_blocking: bool = False) -> Storage:
        """The storage on a device; itself where it is there."""
        place = Device(device)
        if place.index is None and place.type != "cpu":
            place = device_of(place.type, backend_of(place).current_device())
        if place == self.device:
            return self
        return Storage(len(self), device=place).copy_(self, non_blocking)

    def cpu(self) -> Storage:
        """The storage in the host's memory; itself where it is there."""
        return self.to(device=CPU)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Storage:
        """The storage on a CUDA device, the current one when None.

        Raises:
            RuntimeError: when there is no CUDA device.
        """
        return self.to(device="cuda" if device is None else device, non_blocking=non_blocking)

    def resize_(self, size: int) -> Storage:
        """Gives the block that many bytes; the first ones keep their contents.

        The tensors over it move to the new memory. One that no longer fits keeps the old memory
        until the storage is large enough again.

        Raises:
            RuntimeError: when the memory belongs to something else; for no number of bytes.
        """
        _move(self, _resized(self, size))
        return self

    def is_shared(self) -> bool:
        """Whether other processes may see the memory; true of every mapped file and on CUDA."""
        return self.is_cuda

    def share_memory_(self) -> Storage:
        """Moves the block to memory that child processes share; no change where it is shared.

        All tensors over it move along: what one process writes, the others see. A shared block
        cannot be resized.
        """
        if not self.is_shared():
            from lamella_core.shared_memory import map_shared

            array = map_shared(len(self))
            array[:] = self._bytes()
            _move(self, array, MappedStorage)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is page-locked."""
        return False

    def pin_memory(self, device: Any = None) -> Storage:
        """A copy in page-locked memory, from which copies to CUDA are faster.

        Raises:
            RuntimeError: when there is no CUDA device.
            TypeError: when the storage is not in the host's memory.
        """
        if backend_of_tensor(self).device_type != "cpu":
            raise TypeError(f"cannot pin memory of a storage on {self.device}: only the CPU's")
        load_backends()
        backend = backends.get("cuda")
        if backend is None:
            raise RuntimeError(
                "Cannot access accelerator device when none is available: pin_memory needs CUDA "
                "(the extra lamella-tensor-core[cuda12] or [cuda13], and a device)"
            )
        array = backend.page_locked(len(self))
        array[:] = self._bytes()
        storage = borrowed_storage(array, self._key)
        storage.__class__ = PinnedStorage
        return storage

    @staticmethod
    def from_buffer(
        buffer: Any,
        byte_order: str | None = None,
        count: int = -1,
        offset: int = 0,
        *,
        dtype: Any = None,
    ) -> Storage:
        """A copy of the elements in a buffer, put in the machine's byte order.

        Args:
            buffer: bytes, or another object with the buffer protocol.
            byte_order: ``"big"``, ``"little"`` or ``"native"``: the buffer's.
            count: the number of elements, all that are there when negative.
            offset: the first byte.
            dtype: the element type.

        Raises:
            ValueError: for an unknown byte order, or when sizes do not fit.
            RuntimeError: without ``dtype``.
        """
        from lamella_core.storage_types import TypedStorage

        if dtype is None:
            raise RuntimeError("UntypedStorage.from_buffer: argument 'dtype' cannot be None")
        typed = TypedStorage.from_buffer(buffer, byte_order, count, offset, dtype=dtype)
        return typed.untyped()

    @staticmethod
    def from_file(filename: str | PathLike[str], shared: bool = False, nbytes: int = 0) -> Storage:
        """A storage over a file, which is mapped into memory, not read.

        Args:
            filename: the file. A shared one is created, and grows, where it must.
            shared: whether writes go to the file; else they stay in this process.
            nbytes: how many bytes of it.

        Raises:
            RuntimeError: when the file cannot be opened, or is too small and not shared.
        """
        from lamella_core.shared_memory import map_file

        return mapped_storage(map_file(filename, shared, nbytes))

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the storage's type; given one, the bytes converted to its elements."""
        if dtype is None:
            return "torch.storage.UntypedStorage"
        return self._typed_bytes().type(dtype, non_blocking)

    def _typed_bytes(self) -> Any:
        from lamella_core.dtype import uint8
        from lamella_core.storage_types import TypedStorage

        return TypedStorage(wrap_storage=self, dtype=uint8)


def _converter(name: str) -> Callable[[Storage], Any]:
    def convert(self: Storage) -> Any:
        return getattr(self._typed_bytes(), name)()

    convert.__name__ = name
    convert.__doc__ = f"A typed storage with each byte converted, as TypedStorage.{name} does."
    return convert


CONVERSIONS = (
    "bfloat16", "bool", "byte", "char", "complex_double", "complex_float", "double", "float",
    "half", "int", "long", "short",
)  # fmt: skip

for _name in CONVERSIONS:
    setattr(Storage, _name, _converter(_name))


class BorrowedStorage(Storage):
    """A block that belongs to something else, such as a NumPy array of the user's."""

    __slots__ = ()

    _resizable = False


class MappedStorage(BorrowedStorage):
    """A block that is a map: of a file, or of memory that processes share."""

    __slots__ = ()

    def is_shared(self) -> bool:
        """True: a map's pages may be other processes', too."""
        return True

    @property
    def filename(self) -> str | None:
        """The file that the block is a shared map of, else None."""
        from lamella_core.shared_memory import mapping_of

        mapping = mapping_of(self.root)
        return None if mapping is None else mapping.filename


class PinnedStorage(BorrowedStorage):
    """A block of page-locked memory."""

    __slots__ = ()

    def is_pinned(self, device: Any = None) -> bool:
        """True."""
        return True

    def pin_memory(self, device: Any = None) -> Storage:
        """The storage itself."""
        return self


_BYTE = np.dtype(np.uint8)
_new = object.__new__


def _bytes_of_sequence(data: Any) -> np.ndarray:
    try:
        items = list(data)
    except TypeError:
        raise RuntimeError(
            f"torch.UntypedStorage(): Expected a sequence type, but got {type(data).__name__}"
        ) from None
    for item in items:
        if not isinstance(item, (int, np.integer)):
            raise RuntimeError(
                f"torch.UntypedStorage(): tried to construct a storage from a sequence "
                f"({type(data).__name__}), but one of the items was of type "
                f"{type(item).__name__} instead of int"
            )
    return np.array([item % 256 for item in items], _BYTE)


def _from_bytes(contents: bytes, device: Device) -> Storage:
    storage = Storage(len(contents))
    storage._root[:] = np.frombuffer(contents, _BYTE)
    return storage.to(device=device)


def _move(storage: Storage, root: Any, kind: type[Storage] | None = None) -> None:
    # Puts other memory, uint8 (n,), under a storage and under all tensors over it.
    #
    # The storage becomes one of class ``kind``, if that is given.
    #
    # Tensors know their storage and not the reverse, which keeps making one cheap; the garbage
    # collector finds them. An object made by ``.data`` has a storage of its own over the same root.
    from gc import get_referrers

    from lamella_core.tensor import Tensor

    backend = backend_of_tensor(storage)
    old = storage.root
    storages = {id(each): each for each in get_referrers(old) if isinstance(each, Storage)}
    storages[id(storage)] = storage
    tensors = [each for each in get_referrers(*storages.values()) if isinstance(each, Tensor)]
    for tensor in tensors:
        if id(tensor._storage) not in storages:
            continue
        array = tensor._array
        itemsize = tensor._dtype.itemsize
        strides = backend.strides(array)
        offset = start_in(array, old, backend) // itemsize
        if array.size and (offset + reach(array.shape, strides)) * itemsize > root.size:
            continue
        tensor._array = backend.as_strided(root, tensor._dtype.numpy, array.shape, strides, offset)
    for each in storages.values():
        each._array = each._root = root
        if kind is not None:
            each.__class__ = kind


def start_in(array: Any, root: Any, backend: Any) -> int:
    # How many bytes an array begins after its storage, whose memory is ``root``.
    start = backend.data_ptr(array)
    begin = start - backend.data_ptr(root)
    if not array.size:
        # CuPy does not tell where an array without elements is.
        return begin if 0 <= begin <= root.nbytes else 0
    if not 0 <= begin < root.nbytes:
        # The storage became too small for the array, which stands over the memory of before.
        begin = start - backend.data_ptr(backend.root(array))
    return begin


def mapped_storage(root: np.ndarray) -> Storage:
    """A storage over mapped bytes, uint8 (n,)."""
    storage = borrowed_storage(root, backend_of(CPU).key)
    storage.__class__ = MappedStorage
    return storage


def borrowed_storage(root: Any, key: int) -> Storage:
    """A storage over exactly the memory of the flat array ``root``, which may not grow."""
    storage = _new(BorrowedStorage)
    storage._array = storage._root = root
    storage._key = key
    storage.version = 0
    return storage


def new_storage(array: Any, key: int) -> Storage:
    """A storage over the block that ``array`` is a view of; ``key`` holds the backend's bit."""
    storage = _new(Storage)
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


def _resized(storage: Storage, size: int) -> Any:
    # New memory of that many bytes with the old contents at its start.
    if not isinstance(size, (int, np.integer)) or size < 0:
        raise RuntimeError(f"a storage is resized to an int of at least 0, got {size!r}")
    have = len(storage)
    if not storage._resizable:
        raise RuntimeError(
            f"Trying to resize storage that is not resizable: it has {have} bytes, {size} "
            "are wanted, and the memory is mapped, shared or another object's; clone it first"
        )
    array = backend_of_tensor(storage).empty((size,), _BYTE, storage.device)
    kept = min(size, have)
    array[:kept] = storage._bytes()[:kept]
    return array


def check_not_lifted(
    name: str, tensor: Tensor, error: type[RuntimeError] = NotImplementedError
) -> None:
    """Raises ``error`` for a tensor of a running transform, which has no memory of its own."""
    if tensor._key & LIFTED:
        raise error(
            f"{name}: inside of a transform (vmap, grad, jvp, ...) a tensor has no memory of its "
            f"own; use ops, or do this outside of the function that is transformed"
        )


def with_memory(name: str, tensor: Tensor) -> Tensor:
    """The tensor, or that over whose memory it stands (a dual number of no transform)."""
    if tensor._key & LIFTED:
        plain = tensor._array.plain()
        if plain is not None:
            return plain
        check_not_lifted(name, tensor, RuntimeError)
    return tensor


def resize(tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Gives a tensor another shape, row-major, in the same storage, which grows where it must.

    Other tensors over the storage move along.

    Raises:
        RuntimeError: for a tensor of a running transform (``vmap``, ``grad``, ...).
    """
    check_not_lifted("resize_", tensor, RuntimeError)
    storage = storage_of(tensor)
    itemsize = tensor._dtype.itemsize
    strides: list[int] = []
    count = 1
    for n in reversed(shape):
        strides.append(count)
        count *= max(n, 1)
    strides.reverse()
    offset = 0 if 0 in shape else tensor.storage_offset()
    nbytes = (offset + count) * itemsize if 0 not in shape else 0
    if storage.nbytes() >= nbytes:
        pass
    elif getrefcount(tensor._storage) <= _HOLDERS_OF_ONE:
        # To look for others takes the collector milliseconds.
        storage._array = storage._root = _resized(storage, nbytes)
    else:
        storage.resize_(nbytes)
    tensor._array = backend_of_tensor(storage).as_strided(
        storage.root, tensor._dtype.numpy, shape, tuple(strides), offset
    )


# References to the storage of one tensor within ``resize``, which has one itself; how many there
# are depends on the interpreter.
_alone = _new(Storage)
_alone._root = _new(Storage)
_held = _alone._root
_HOLDERS_OF_ONE = getrefcount(_alone._root)
del _alone, _held
