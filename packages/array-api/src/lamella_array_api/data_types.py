"""Data types of the standard: what they are, how they meet, and what the namespace offers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core import type_info
from lamella_core.device import Device, get_default_device
from lamella_core.dispatch import backends
from lamella_core.dtype import dtype as DType
from lamella_core.ops.creation_data import tensor
from lamella_core.promotion import promote_types, result_dtype
from lamella_core.tensor import Tensor

__all__ = [
    "__array_namespace_info__", "astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type",
]  # fmt: skip

_KINDS = {
    "bool": (dtypes.bool_,),
    "signed integer": (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64),
    "unsigned integer": (dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64),
    "real floating": (dtypes.float32, dtypes.float64),
    "complex floating": (dtypes.complex64, dtypes.complex128),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def astype(
    x: Tensor, dtype: DType, /, *, copy: bool = True, device: Device | None = None
) -> Tensor:
    """``x`` with elements of type ``dtype``; itself where nothing changes and no copy is asked."""
    return x.to(device or x.device, dtype, copy=copy)


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether a type is another, or of a kind such as ``"real floating"``, or of one of several.

    Raises:
        ValueError: for an unknown kind.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"isdtype: unknown kind {kind!r}; the kinds are {', '.join(_KINDS)}")
        return dtype in _KINDS[kind]
    return dtype is kind


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The type in which arrays, types and Python numbers meet.

    Raises:
        ValueError: when there is neither an array nor a type.
        TypeError: for types that the standard lets meet in none, such as int64 and uint64.
    """
    kinds = [getattr(each, "_dtype", each) for each in arrays_and_dtypes]
    found = [kind for kind in kinds if isinstance(kind, DType)]
    if not found:
        raise ValueError("result_type: expected at least one array or data type")
    result = found[0]
    for kind in found[1:]:
        result = _meeting(result, kind)
    for number in kinds:
        if not isinstance(number, DType):
            result = result_dtype((tensor([0], dtype=result), number))
    return result


def _meeting(one: DType, other: DType) -> DType:
    if {one.category, other.category} == {dtypes.INTEGER, dtypes.COMPLEX}:
        # PyTorch refuses the wide unsigned types there.
        return one if one.is_complex else other
    if not one.category == other.category == dtypes.INTEGER:
        return promote_types(one, other)
    kind = dtypes.OF_NUMPY[np.promote_types(one.numpy, other.numpy)]
    if kind.category != dtypes.INTEGER:
        raise TypeError(f"result_type: {one.name} and {other.name} do not promote to one type")
    return kind


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Whether every value of a type has a place in another: promoting both gives the other."""
    try:
        return result_type(from_, to) is to
    except (RuntimeError, TypeError):
        # The two do not meet in one type.
        return False


def finfo(type: DType | Tensor, /) -> Any:
    """Limits of a floating type, given it or an array; ``dtype`` is the type itself."""
    kind: Any = getattr(type, "_dtype", type)
    info: Any = type_info.finfo(kind)
    info.dtype = kind.to_real()
    return info


def iinfo(type: DType | Tensor, /) -> Any:
    """Limits of an integer type, given it or an array; ``dtype`` is the type itself."""
    kind: Any = getattr(type, "_dtype", type)
    info: Any = type_info.iinfo(kind)
    info.dtype = kind
    return info


class __array_namespace_info__:
    """What this namespace offers: capabilities, devices, data types and their defaults."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing, shapes that depend on data, and up to 64 dimensions."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """The device of new arrays that are given none."""
        return get_default_device()

    def devices(self) -> list[Device]:
        """Every device that there is here."""
        found = []
        for name, backend in backends.items():
            if backend.current_device() is None:
                found.append(Device(name))
            else:
                found += [Device(name, i) for i in range(backend.device_count())]
        return found

    def default_dtypes(self, *, device: Device | None = None) -> dict[str, DType]:
        """The types of new arrays that are given none."""
        return {
            "real floating": dtypes.defaults.floating,
            "complex floating": dtypes.defaults.complex,
            "integral": dtypes.int64,
            "indexing": dtypes.int64,
        }

    def dtypes(
        self, *, device: Device | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """The types, all or of a kind, by their names."""
        every = _KINDS["bool"] + _KINDS["numeric"]
        return {each.name: each for each in every if kind is None or isdtype(each, kind)}


def common(*arrays: Any) -> list[Tensor]:
    """Arrays and Python numbers, all as arrays of their common type."""
    kind = result_type(*arrays)
    device = next(each.device for each in arrays if isinstance(each, Tensor))
    return [
        each.to(kind) if isinstance(each, Tensor) else tensor(each, dtype=kind, device=device)
        for each in arrays
    ]
