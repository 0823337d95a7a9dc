"""Constructors named after an element type: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``.

PyTorch keeps them for old programs; new ones say ``tensor(data, dtype=...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.device import Device
from lamella_core.ops.copying import TYPES_BY_CLASS
from lamella_core.ops.creation import empty
from lamella_core.ops.creation_data import from_numpy, tensor
from lamella_core.size import Size
from lamella_core.storage_types import TypedStorage
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as dtype_class

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


def legacy_data(data: Any, dtype: dtype_class) -> Tensor:
    """A tensor of a sequence, each number converted as a C cast does: 1.5 is the integer 1.

    Raises:
        TypeError: for something that is no sequence of numbers.
    """
    if isinstance(data, str) or not hasattr(data, "__len__"):
        what = "invalid data type" if isinstance(data, str) else "data must be a sequence, got type"
        raise TypeError(f"new(): {what} '{type(data).__name__}'")
    if isinstance(data, Tensor):
        return data.detach().to(dtype, copy=True)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype, copy=True)
    if not len(data):
        return empty((0,), dtype=dtype)
    return tensor(data).to(dtype)


class _TensorType(type):
    """Class of the constructors: it makes tensors, and says which tensors are of its type."""

    dtype: dtype_class

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cpu

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        """A tensor on the CPU.

        Args:
            args: nothing (no elements), sizes or one shape (elements that are not set), a
                sequence of numbers (a copy of them), a storage or a tensor of the type (the
                memory is shared).
            device: the CPU.

        Raises:
            TypeError: for a tensor of another type, or data that is none of these.
            RuntimeError: for a device that is not the CPU.
        """
        if device is not None and Device(device).type != "cpu":
            raise RuntimeError(
                f"legacy constructor expects device type: cpu but device type: "
                f"{Device(device).type} was passed; use torch.tensor(data, dtype=..., device=...)"
            )
        dtype = cls.dtype
        if not args:
            return empty((0,), dtype=dtype, device="cpu")
        first = args[0]
        if isinstance(first, Size):
            args = tuple(first)
        elif not isinstance(first, (int, np.integer)):
            if len(args) > 1:
                raise TypeError(
                    f"torch.{cls.__name__} takes sizes or one value; got {len(args)} arguments, "
                    f"the first a {type(first).__name__}"
                )
            return _of_value(first, dtype)
        return empty(args, dtype=dtype, device="cpu")


def _of_value(value: Any, dtype: dtype_class) -> Tensor:
    if isinstance(value, (Tensor, TypedStorage)):
        if value.dtype is not dtype:
            raise TypeError(
                f"expected {dtype!r} on the CPU, got {value.dtype!r} on {value.device}; convert "
                "with .to() first"
            )
        return value.detach() if isinstance(value, Tensor) else value._tensor()
    if isinstance(value, float):
        raise TypeError("new(): data must be a sequence (got float)")
    return legacy_data(value, dtype)


def _tensor_type(dtype: dtype_class) -> Any:
    name = f"{dtype.class_name}Tensor"
    doc = f"Makes tensors of {dtype.name} on the CPU; such a tensor is an instance of it."
    members = {"__doc__": doc, "__module__": __name__, "dtype": dtype}
    return _TensorType(name, (), members)


BoolTensor = _tensor_type(dtypes.bool_)
ByteTensor = _tensor_type(dtypes.uint8)
CharTensor = _tensor_type(dtypes.int8)
ShortTensor = _tensor_type(dtypes.int16)
IntTensor = _tensor_type(dtypes.int32)
LongTensor = _tensor_type(dtypes.int64)
HalfTensor = _tensor_type(dtypes.float16)
BFloat16Tensor = _tensor_type(dtypes.bfloat16)
FloatTensor = _tensor_type(dtypes.float32)
DoubleTensor = _tensor_type(dtypes.float64)

_BY_NAME = {
    f"torch.{each.__name__}": each
    for each in (
        BoolTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor,
        HalfTensor, BFloat16Tensor, FloatTensor, DoubleTensor,
    )
}  # fmt: skip
TYPES_BY_CLASS.update({each: each.dtype for each in _BY_NAME.values()})


def set_default_tensor_type(t: Any) -> None:
    """Sets the floating type of new tensors that are given none, by the name of a constructor.

    Args:
        t: ``DoubleTensor`` or another of the floating types, or its name ``"torch.DoubleTensor"``.

    Raises:
        TypeError: for something else, or a type that is not floating.
    """
    kind = _BY_NAME.get(t) if isinstance(t, str) else t
    if not isinstance(kind, _TensorType):
        raise TypeError(
            f"invalid type object: {t!r}; expected a type such as torch.DoubleTensor or its name"
        )
    if not kind.dtype.is_floating_point:
        raise TypeError(
            f"only floating-point types are supported as the default type, got {kind.__name__}"
        )
    dtypes.set_default_dtype(kind.dtype)
