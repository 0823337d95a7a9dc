"""Storages as files name them: by element type, device and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core import storage_types
from lamella_core.serialization.names import register_type

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.storage import Storage


class StorageType:
    # The constant that stands for ``torch.FloatStorage`` and the like in a file.
    #
    # Attributes:
    #     dtype: the element type; None for ``torch.UntypedStorage``, which counts bytes.
    __slots__ = ("dtype", "name")

    def __init__(self, name: str, element_type: dtype | None) -> None:
        self.name = name
        self.dtype = element_type

    @property
    def itemsize(self) -> int:
        # Bytes an element.
        return 1 if self.dtype is None else self.dtype.itemsize


class TypedStorage(storage_types.TypedStorage):
    # What a file's typed storages are read as.
    #
    # Attributes:
    #     filled: False while the elements have not been read yet (in the legacy format they come
    #         after all else).
    __slots__ = ("filled",)

    def __init__(self, storage: Storage, element_type: dtype, filled: bool = True) -> None:
        super().__init__(wrap_storage=storage, dtype=element_type)
        self.filled = filled


UNTYPED = StorageType("UntypedStorage", None)
OF_DTYPE = {
    each: StorageType(f"{each.class_name}Storage", each)
    for each in dtypes.ALL
    if each not in dtypes.WIDE_UNSIGNED
}

register_type("torch.storage", "UntypedStorage", UNTYPED)
register_type("torch", "UntypedStorage", UNTYPED)
for _storage_type in OF_DTYPE.values():
    register_type("torch", _storage_type.name, _storage_type)
    register_type("torch.cuda", _storage_type.name, _storage_type)
    # The oldest files name the class of each tensor, which says no more than its storage does.
    register_type("torch", _storage_type.name.replace("Storage", "Tensor"), _storage_type)
