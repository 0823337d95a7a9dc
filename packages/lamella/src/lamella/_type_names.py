"""Types by their names: ``typename``, and the default type as old programs set it."""

from __future__ import annotations

from typing import Any

from lamella_core.device import set_default_device
from lamella_core.dtype import set_default_dtype
from lamella_core.ops.conversion import TYPES_BY_CLASS
from lamella_core.tensor import Tensor
from lamella_core.tensor_types import CUDA_TYPES
from lamella_core.warning import warn_once

__all__ = ["set_default_tensor_type", "typename"]


def set_default_tensor_type(t: Any, /) -> None:
    """Sets the floating type, and the device type, of new tensors that are given none.

    Args:
        t: ``DoubleTensor``, ``cuda.FloatTensor`` or another of the floating types, or its name
            ``"torch.DoubleTensor"``.

    Raises:
        TypeError: for something else, a type that is not floating, or a device that is not there.
    """
    warn_once("torch.set_default_tensor_type() is deprecated; use torch.set_default_dtype()")
    by_name = {f"torch.{each.__name__}": each for each in TYPES_BY_CLASS}
    by_name |= {f"torch.cuda.{each.__name__}": each for each in CUDA_TYPES.values()}
    kind = by_name.get(t) if isinstance(t, str) else t
    if not isinstance(kind, type) or kind not in by_name.values():
        raise TypeError(
            f"invalid type object: {t!r}; expected a type such as torch.DoubleTensor or its name"
        )
    if not kind.dtype.is_floating_point:  # type: ignore[attr-defined]
        raise TypeError(
            f"only floating-point types are supported as the default type, got {kind.__name__}"
        )
    if kind.is_cuda:  # type: ignore[attr-defined]
        from lamella import cuda

        if not cuda.is_available():
            raise TypeError(f"type {t} not available: there is no CUDA device")
    set_default_dtype(kind.dtype)  # type: ignore[attr-defined]
    set_default_device("cuda" if kind.is_cuda else None)  # type: ignore[attr-defined]


def typename(obj: Any) -> str:
    """The name of an object's type; of a tensor's, ``torch.FloatTensor`` and so on."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    place = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return place + kind.__qualname__
