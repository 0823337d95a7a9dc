"""Storages as files name them: by element type, device and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.dispatch import backend_of_tensor
from lamella_core.serialization.names import register_type

if TYPE_CHECKING:
    from lamella_core.device import Device
    from lamella_core.dtype import dtype
    from lamella_core.storage import Storage


class StorageType:
    """The constant that stands for ``torch.FloatStorage`` and the like in a file.

    Attributes:
        dtype: the element type; None for ``torch.UntypedStorage``, which counts bytes.
    """

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, element_type: dtype | None) -> None:
        self.name = name
        self.dtype = element_type

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return 1 if self.dtype is None else self.dtype.itemsize


class TypedStorage:
    """A storage together with the type of its elements: what a file's storages are read as.

    Attributes:
        dtype: the element type.
        filled: False while the elements have not been read yet (in the legacy format they come
            after all else).
    """

    __slots__ = ("_storage", "dtype", "filled")

    def __init__(self, storage: Storage, element_type: dtype, filled: bool = True) -> None:
        self._storage = storage
        self.dtype = element_type
        self.filled = filled

    def untyped(self) -> Storage:
        """The memory block."""
        return self._storage

    @property
    def device(self) -> Device:
        """Where the memory is."""
        return self._storage.device

    def nbytes(self) -> int:
        """Size in bytes."""
        return self._storage.nbytes()

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return self._storage.data_ptr()

    def __len__(self) -> int:
        return self.nbytes() // self.dtype.itemsize

    size = __len__

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        backend = backend_of_tensor(self._storage)
        root = backend.to_numpy(self._storage.root).view(self.dtype.numpy)
        return root.astype("float32").tolist() if self.dtype is dtypes.bfloat16 else root.tolist()

    def __repr__(self) -> str:
        return (
            f"[torch.storage.TypedStorage(dtype={self.dtype!r}, device={self.device}) "
            f"of size {len(self)}]"
        )


UNTYPED = StorageType("UntypedStorage", None)
OF_DTYPE = {each: StorageType(f"{each.class_name}Storage", each) for each in dtypes.ALL}

register_type("torch.storage", "UntypedStorage", UNTYPED)
register_type("torch", "UntypedStorage", UNTYPED)
for _storage_type in OF_DTYPE.values():
    register_type("torch", _storage_type.name, _storage_type)
    register_type("torch.cuda", _storage_type.name, _storage_type)
    # The oldest files name the class of each tensor, which says no more than its storage does.
    register_type("torch", _storage_type.name.replace("Storage", "Tensor"), _storage_type)
