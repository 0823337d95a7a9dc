"""Constructors named after an element type: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``.

PyTorch keeps them for old programs; new ones say ``tensor(data, dtype=...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import index_of
from lamella_core.device import Device
from lamella_core.formats import strided
from lamella_core.ops.conversion import TYPES_BY_CLASS
from lamella_core.ops.creation import empty
from lamella_core.ops.creation_data import from_numpy, tensor
from lamella_core.size import Size
from lamella_core.storage import Storage
from lamella_core.storage_types import TypedStorage
from lamella_core.tensor import Tensor, alias

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as dtype_class

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor",
    "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
]  # fmt: skip


def legacy_data(data: Any, dtype: dtype_class) -> Tensor:
    """A tensor of a sequence, each number converted as a C cast does: 1.5 is the integer 1.

    Raises:
        TypeError: for something that is no sequence of numbers.
    """
    if isinstance(data, (str, bytes)) or not hasattr(data, "__len__"):
        what = "invalid data type" if hasattr(data, "__len__") else "expected a sequence, got type"
        raise TypeError(f"new(): {what} '{type(data).__name__}'")
    if isinstance(data, Tensor):
        return data.detach().to(dtype, copy=True)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(dtype, copy=True)
    return tensor(data, dtype=dtype)


def _legacy(args: tuple[Any, ...], device: Any, dtype: dtype_class | None) -> Tensor:
    # What a constructor makes; a dtype of None is the default one and takes any tensor.
    #
    # Args:
    #     args: nothing (no elements), sizes or one shape (elements that are not set), a sequence
    #         of numbers (a copy of them), a storage or a tensor of the type (the memory is shared).
    #     device: the CPU.
    #
    # Raises:
    #     TypeError: for a tensor of another type, or data that is none of these.
    #     RuntimeError: for a device that is not the CPU.
    if device is not None and Device(device).type != "cpu":
        raise RuntimeError(
            f"legacy constructor expects device type: cpu but device type: "
            f"{Device(device).type} was passed; use torch.tensor(data, dtype=..., device=...)"
        )
    kind = dtype or dtypes.get_default_dtype()
    first = args[0] if args else 0
    if isinstance(first, Size) and len(args) == 1:
        args = tuple(first)
    elif isinstance(first, bool) or not isinstance(first, (int, np.integer)):
        if len(args) <= 1:
            return _of_value(first, kind, dtype is None)
        args = tuple([index_of(each, "size") for each in args])
    return empty(args or (0,), dtype=kind, device="cpu")


def _of_value(value: Any, dtype: dtype_class, any_type: bool) -> Tensor:
    if isinstance(value, Storage):
        return TypedStorage(wrap_storage=value, dtype=dtype)._tensor()
    if isinstance(value, (Tensor, TypedStorage)):
        if value.dtype is not dtype and not any_type:
            raise TypeError(
                f"expected {dtype!r} on the CPU, got {value.dtype!r} on {value.device}; convert "
                "with .to() first"
            )
        return value.detach() if isinstance(value, Tensor) else value._tensor()
    if not isinstance(value, str) and not hasattr(value, "__len__"):
        raise TypeError(f"new(): data must be a sequence (got {type(value).__name__})")
    return legacy_data(value, dtype)


def _new_tensor(cls: type[Tensor], *args: Any, device: Any = None) -> Tensor:
    """``torch.Tensor(2, 3)``, ``torch.Tensor([1, 2])``: see :func:`_legacy`."""
    made = _legacy(args, device, None)
    return made if cls is Tensor else alias(made, cls)


Tensor.__new__ = staticmethod(_new_tensor)  # type: ignore[assignment]


def _new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """As :func:`_legacy`, of this tensor's type."""
    return _legacy(args, device, self._dtype).to(self.device)


Tensor.new = _new


class _TensorType(type):
    # Class of the constructors: it makes tensors, and says which tensors are of its type.
    dtype: dtype_class
    is_cuda = is_sparse = False
    layout = strided

    def __instancecheck__(cls, instance: Any) -> bool:
        if not isinstance(instance, Tensor) or instance.dtype is not cls.dtype:
            return False
        return instance.is_cuda is cls.is_cuda

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        """A tensor on the device type of the class; see :func:`_legacy`."""
        if cls.is_cuda:
            return _legacy(args, None, cls.dtype).to(device or "cuda")
        return _legacy(args, device, cls.dtype)

    def __repr__(cls) -> str:
        return f"<class 'torch.{'cuda.' if cls.is_cuda else ''}{cls.__name__}'>"


def _tensor_type(dtype: dtype_class, is_cuda: bool = False) -> Any:
    name = f"{dtype.class_name}Tensor"
    doc = f"Makes tensors of {dtype.name}; such a tensor is an instance of it."
    members = {"__doc__": doc, "__module__": __name__, "dtype": dtype, "is_cuda": is_cuda}
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

_TYPES = (
    BoolTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor,
    HalfTensor, BFloat16Tensor, FloatTensor, DoubleTensor,
)  # fmt: skip
CUDA_TYPES = {each.__name__: _tensor_type(each.dtype, True) for each in _TYPES}
TYPES_BY_CLASS.update({each: each.dtype for each in _TYPES})
