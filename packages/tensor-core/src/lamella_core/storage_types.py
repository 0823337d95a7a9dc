"""Typed storages: a storage together with the type of its elements.

PyTorch keeps them for old programs and files; tensors know their untyped storage.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.dispatch import backend_of_tensor
from lamella_core.ops.creation import as_asked
from lamella_core.storage import Storage
from lamella_core.tensor import Tensor, wrap
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from lamella_core.dtype import dtype as dtype_class

__all__ = [
    "BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage", "ComplexDoubleStorage",
    "ComplexFloatStorage", "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage",
    "LongStorage", "ShortStorage", "TypedStorage", "UntypedStorage", "from_file", "is_storage",
]  # fmt: skip

UntypedStorage = Storage


class TypedStorage:
    """A flat sequence of elements over an untyped storage.

    ``TypedStorage(size, dtype=...)`` has that many elements, not set;
    ``TypedStorage(sequence, dtype=...)`` those of the sequence; ``wrap_storage`` is shared, not
    copied. The classes named after a type (``FloatStorage``) take no ``dtype``.

    Args:
        data: the number of elements, or the elements.
        wrap_storage: the untyped storage to see as elements, instead of ``data``.
        dtype: the element type; the default floating type when None.
        device: where the memory is; the CPU when None.

    Raises:
        TypeError: for data that is neither a size nor a sequence.
        RuntimeError: for arguments that do not go together.
    """

    __slots__ = ("__weakref__", "_dtype", "_storage")

    _dtype: dtype_class
    _storage: Storage

    if TYPE_CHECKING:
        # What the untyped storage does as well is taken from it below.
        def __getattr__(self, name: str) -> Any: ...

    def __init__(
        self,
        *data: Any,
        wrap_storage: Storage | None = None,
        dtype: dtype_class | None = None,
        device: Any = None,
    ) -> None:
        if wrap_storage is not None:
            if data or device is not None:
                raise RuntimeError(
                    f"{type(self).__name__}: wrap_storage takes neither data nor a device beside it"
                )
            if not isinstance(wrap_storage, Storage):
                raise TypeError(
                    f"{type(self).__name__}: argument 'wrap_storage' must be UntypedStorage, but "
                    f"got {type(wrap_storage).__name__}"
                )
        self._dtype = dtypes.defaults.floating if dtype is None else dtype
        self._storage = (
            _storage_with(data, self._dtype, device) if wrap_storage is None else wrap_storage
        )

    # ------------ description

    @property
    def dtype(self) -> dtype_class:
        """The element type."""
        return self._dtype

    def untyped(self) -> Storage:
        """The memory block."""
        return self._storage

    def element_size(self) -> int:
        """Bytes an element."""
        return self._dtype.itemsize

    def __len__(self) -> int:
        return self._storage.nbytes() // self._dtype.itemsize

    size = __len__

    def pickle_storage_type(self) -> str:
        """The name of the class for this element type, ``"FloatStorage"``."""
        return f"{self._dtype.class_name}Storage"

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.tolist()))
        return (
            f" {lines}\n[torch.storage.TypedStorage(dtype={self._dtype!r}, device={self.device}) "
            f"of size {len(self)}]"
        )

    # ------------ elements

    def _tensor(self) -> Tensor:
        # The elements as a tensor over the same memory.
        storage, dtype = self._storage, self._dtype
        backend = backend_of_tensor(storage)
        array = backend.as_strided(storage.root, dtype.numpy, (len(self),), (1,), 0)
        tensor = wrap(array, dtype, backend.key)
        tensor._storage = storage
        return tensor

    def __getitem__(self, index: int) -> Any:
        """An element as a Python number.

        Raises:
            RuntimeError: for a slice, or an index that is no number.
            IndexError: when the index is out of range.
        """
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(index, (int, np.integer)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} out of range for storage of size {n}")
        return self._tensor()[index].item()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if not isinstance(index, (int, slice, np.integer)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        self._tensor()[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._tensor().tolist()

    def fill_(self, value: Any) -> TypedStorage:
        """Sets every element."""
        self._tensor().fill_(value)
        return self

    # ------------ memory

    def _over(self, storage: Storage) -> TypedStorage:
        return (
            self
            if storage is self._storage
            else TypedStorage(wrap_storage=storage, dtype=self._dtype)
        )

    def new(self, *args: Any) -> TypedStorage:
        """Another storage of this type and device; arguments as for the class."""
        return TypedStorage(*args, dtype=self._dtype, device=self.device)

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __reduce__(self) -> tuple[Any, ...]:
        return _typed, (self._storage, self._dtype)

    def resize_(self, size: int) -> TypedStorage:
        """Gives the storage that many elements; the first ones keep their values.

        Raises:
            RuntimeError: when the memory belongs to something else.
        """
        self._storage.resize_(size * self._dtype.itemsize)
        return self

    @classmethod
    def from_buffer(
        cls,
        buffer: Any,
        byte_order: str | None = None,
        count: int = -1,
        offset: int = 0,
        *,
        dtype: dtype_class | None = None,
        device: Any = None,
    ) -> TypedStorage:
        """A copy of the elements in a buffer, put in the machine's byte order.

        Args:
            buffer: bytes, or another object with the buffer protocol.
            byte_order: ``"big"``, ``"little"`` or ``"native"``: the buffer's. Types of one byte do
                without, but for bool.
            count: the number of elements, all that are there when negative.
            offset: the first byte.
            dtype: the element type, the default floating type when None; for ``TypedStorage``
                itself alone.
            device: where the copy is; the CPU when None.

        Raises:
            RuntimeError: when the byte order is left out and matters, or for a ``dtype`` that is
                not to be given.
            ValueError: for an unknown byte order, or when sizes do not fit.
        """
        if cls in _FIXED and dtype is not None:
            raise RuntimeError(f"{cls.__name__}.from_buffer: the class has a dtype, give none")
        element_type = _FIXED.get(cls, dtype or dtypes.defaults.floating)
        contents = np.frombuffer(buffer, np.uint8)
        swap = _needs_swap(byte_order, element_type)
        itemsize = element_type.itemsize
        if not 0 <= offset < max(contents.size, 1):
            raise ValueError(
                f"offset must be non-negative and no greater than buffer length "
                f"({contents.size}), but got {offset}"
            )
        rest = contents.size - offset
        if count < 0:
            if rest % itemsize:
                raise ValueError(
                    f"buffer size ({rest}) must be a multiple of element size ({itemsize})"
                )
            count = rest // itemsize
        elif count * itemsize > rest:
            raise ValueError(
                f"buffer has only {rest} bytes after offset {offset}, but {count} elements of "
                f"{itemsize} bytes were asked for"
            )
        storage = Storage(count * itemsize)
        storage.root[:] = contents[offset : offset + count * itemsize]
        if swap:
            storage.byteswap(element_type)
        if element_type is dtypes.bool_:
            np.not_equal(storage.root, 0, out=storage.root.view(np.bool_))
        if device is not None:
            storage = storage.to(device=device)
        return TypedStorage(wrap_storage=storage, dtype=element_type)

    @classmethod
    def from_file(
        cls, filename: str | PathLike[str], shared: bool = False, size: int = 0
    ) -> TypedStorage:
        """As ``UntypedStorage.from_file``, for ``size`` elements of a file.

        Raises:
            RuntimeError: for ``TypedStorage`` itself, too, which has no element type.
        """
        if cls not in _FIXED:
            raise RuntimeError("from_file can only be called on derived classes")
        dtype = _FIXED[cls]
        storage = Storage.from_file(filename, shared, size * dtype.itemsize)
        return TypedStorage(wrap_storage=storage, dtype=dtype)

    # ------------ conversions

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of the storage's type; given one, the elements converted to it.

        Args:
            dtype: a class such as ``DoubleStorage``, its name ``"torch.DoubleStorage"``, or a
                dtype.
            non_blocking: accepted; the conversion is finished on return.

        Raises:
            ValueError: when there is no such type.
        """
        if dtype is None:
            place = "" if self.device.type == "cpu" else f"{self.device.type}."
            return f"torch.{place}{self.pickle_storage_type()}"
        if isinstance(dtype, dtypes.dtype):
            return self._to(dtype)
        name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", "")
        for cls, kind in _FIXED.items():
            if name.rpartition(".")[2] == cls.__name__:
                return self._to(kind)
        raise ValueError(f"invalid storage type: {dtype!r}")

    def _to(self, dtype: dtype_class) -> TypedStorage:
        if dtype is self._dtype:
            return self
        tensor = self._tensor().to(dtype)
        return TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=dtype)


def _delegated(name: str) -> Any:
    member = getattr(Storage, name)
    if isinstance(member, property):
        return property(lambda self: getattr(self._storage, name), doc=member.__doc__)

    def call(self: TypedStorage, *args: Any, **kwargs: Any) -> Any:
        result = getattr(self._storage, name)(*args, **kwargs)
        return self._over(result) if isinstance(result, Storage) else result

    call.__name__, call.__doc__ = name, member.__doc__
    return call


for _name in (
    "__deepcopy__", "clone", "copy_", "cpu", "cuda", "data_ptr", "device", "filename",
    "get_device", "is_cuda", "is_pinned", "is_shared", "nbytes", "pin_memory", "resizable",
    "share_memory_", "to",
):  # fmt: skip
    setattr(TypedStorage, _name, _delegated(_name))


def _converter(name: str, dtype: dtype_class) -> Callable[[TypedStorage], TypedStorage]:
    def convert(self: TypedStorage) -> TypedStorage:
        return self._to(dtype)

    convert.__name__ = name
    convert.__doc__ = f"The elements converted to {dtype.name}; the storage itself where they are."
    return convert


for _name, _dtype in dtypes.names_in_c("Complex_").items():
    setattr(TypedStorage, _name, _converter(_name, _dtype))


_DEPRECATED = "TypedStorage is deprecated: use UntypedStorage, tensor.untyped_storage()"


class _OfOneType(type):
    # Class of the storages named after a type: what they make is a ``TypedStorage``.
    dtype: dtype_class

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is _FIXED[cls]

    def __call__(cls, *data: Any, wrap_storage: Storage | None = None, device: Any = None) -> Any:
        warn_once(_DEPRECATED)
        return TypedStorage(*data, wrap_storage=wrap_storage, dtype=_FIXED[cls], device=device)


_FIXED: dict[type, dtype_class] = {}


def _storage_class(dtype: dtype_class) -> Any:
    name = f"{dtype.class_name}Storage"
    doc = f"Makes a :class:`TypedStorage` of {dtype.name}; such a storage is an instance of it."
    members = {"__doc__": doc, "__module__": __name__, "__slots__": (), "dtype": dtype}
    cls = _OfOneType(name, (TypedStorage,), members)
    _FIXED[cls] = dtype
    return cls


BoolStorage = _storage_class(dtypes.bool_)
ByteStorage = _storage_class(dtypes.uint8)
CharStorage = _storage_class(dtypes.int8)
ShortStorage = _storage_class(dtypes.int16)
IntStorage = _storage_class(dtypes.int32)
LongStorage = _storage_class(dtypes.int64)
HalfStorage = _storage_class(dtypes.float16)
BFloat16Storage = _storage_class(dtypes.bfloat16)
FloatStorage = _storage_class(dtypes.float32)
DoubleStorage = _storage_class(dtypes.float64)
ComplexFloatStorage = _storage_class(dtypes.complex64)
ComplexDoubleStorage = _storage_class(dtypes.complex128)


def is_storage(obj: Any) -> bool:
    """Whether an object is a storage, typed or untyped."""
    return isinstance(obj, (Storage, TypedStorage))


def from_file(
    filename: str | PathLike[str],
    shared: bool | None = None,
    size: int | None = 0,
    *,
    dtype: dtype_class | None = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A 1-dim tensor on the CPU over a file, which is mapped into memory, not read.

    Args:
        filename: the file. A shared one is created, and grows, where it must.
        shared: whether writes go to the file; else they stay in this process.
        size: the number of elements.
        dtype: the element type; the default floating type when None.
        device, pin_memory: where a copy of it goes; None and False for none.
        requires_grad: whether autograd records ops on it.

    Raises:
        RuntimeError: when the file cannot be opened, or is too small and not shared.
    """
    element_type = dtypes.defaults.floating if dtype is None else dtype
    storage = Storage.from_file(filename, bool(shared), (size or 0) * element_type.itemsize)
    tensor = TypedStorage(wrap_storage=storage, dtype=element_type)._tensor()
    return as_asked(tensor.to(device=device), requires_grad, pin_memory)


def _storage_with(data: tuple[Any, ...], dtype: dtype_class, device: Any) -> Storage:
    name = f"{dtype.class_name}Storage"
    if len(data) > 1:
        raise RuntimeError(
            f"{name} takes nothing, a size or a sequence; got {len(data)} positional arguments"
        )
    if not data:
        return Storage(0, device=device)
    (value,) = data
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return Storage(int(value) * dtype.itemsize, device=device)
    if isinstance(value, (Storage, TypedStorage, str)) or not hasattr(value, "__len__"):
        raise TypeError(
            f"{name} takes nothing, a size or a sequence (an untyped storage by the keyword "
            f"wrap_storage); got {type(value).__name__}"
        )
    from lamella_core.tensor_types import legacy_data

    tensor = legacy_data(value, dtype).reshape(-1)
    return tensor.untyped_storage().to(device="cpu" if device is None else device)


def _needs_swap(byte_order: str | None, dtype: dtype_class) -> bool:
    if byte_order is None:
        if dtype not in (dtypes.uint8, dtypes.int8):
            raise RuntimeError(
                f"from_buffer: the argument byte_order is missing, which {dtype!r} needs"
            )
        return False
    if byte_order not in ("big", "little", "native"):
        raise ValueError(
            f"invalid byte_order '{byte_order}' (expected 'big', 'little', or 'native')"
        )
    return byte_order not in ("native", sys.byteorder)


def _typed(storage: Storage, dtype: dtype_class) -> TypedStorage:
    return TypedStorage(wrap_storage=storage, dtype=dtype)


def _storage(self: Tensor) -> TypedStorage:
    """The memory block that the tensor is a view of, as elements of the tensor's type."""
    warn_once(_DEPRECATED)
    return TypedStorage(wrap_storage=self.untyped_storage(), dtype=self._dtype)


def _is_shared(self: Tensor) -> bool:
    """Whether other processes may see the memory; true on CUDA."""
    return self.untyped_storage().is_shared()


def _share_memory(self: Tensor) -> Tensor:
    """Moves the storage to memory that child processes share, with all tensors over it."""
    self.untyped_storage().share_memory_()
    return self


def _is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked."""
    return self.untyped_storage().is_pinned(device)


def _pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in page-locked memory, the tensor itself where it is there.

    Raises:
        RuntimeError: when there is no CUDA device, or the tensor is not in the host's memory.
    """
    if not self.is_cpu:
        raise RuntimeError(
            f"cannot pin '{self.type()}' only dense CPU tensors can be pinned; call .cpu() first"
        )
    if self.is_pinned():
        return self
    storage = Storage(self.nbytes).pin_memory(device)
    result = self.detach().new_empty(0).set_(storage, 0, tuple(self.shape))
    return result.copy_(self)


def _attach() -> None:
    for name, function in {
        "is_pinned": _is_pinned,
        "is_shared": _is_shared,
        "pin_memory": _pin_memory,
        "share_memory_": _share_memory,
        "storage": _storage,
    }.items():
        setattr(Tensor, name, function)


_attach()
