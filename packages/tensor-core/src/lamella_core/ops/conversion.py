"""Tensors with another element type or on another device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import read_dtype
from lamella_core.conventions.results import write_out
from lamella_core.device import CPU, Device
from lamella_core.dispatch import backend_of, modes
from lamella_core.dtype import dtype as dtype_class
from lamella_core.formats import contiguous_format, preserve_format, suggests_channels_last
from lamella_core.ops.copying import clone, tell_of_loss, to_device, to_dtype
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dtype import dtype
    from lamella_core.formats import memory_format
    from lamella_core.typing import DeviceLike

_to_dtype_table = to_dtype.op.table


def _to(
    self: Tensor,
    *args: Any,
    device: DeviceLike | None = None,
    dtype: dtype | None = None,
    other: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """The tensor with another element type, on another device; itself when both are its own.

    ``to(dtype, non_blocking=False, copy=False)``, ``to(device=None, dtype=None,
    non_blocking=False, copy=False)`` or ``to(other, non_blocking=False, copy=False)``.

    Args:
        dtype: the element type.
        device: the device.
        other: a tensor that gives both.
        non_blocking: between page-locked memory and CUDA, return before the copy is finished.
        copy: make a copy even where none is needed.
        memory_format: the order in memory of the result.

    Raises:
        TypeError: for other combinations of arguments.
    """
    if args:
        first, *more = args
        if _is_dtype(first):
            dtype = read_dtype("to", first)
        elif isinstance(first, Tensor):
            other = first
        elif first is None or isinstance(first, (str, Device, int)):
            device = first
            if more and (more[0] is None or _is_dtype(more[0])):
                dtype = more.pop(0)
        else:
            raise TypeError(
                f"to() received an invalid combination of arguments - got "
                f"({', '.join(type(a).__name__ for a in args)}), but expected one of: "
                f"(torch.dtype dtype, ...), (torch.device device, torch.dtype dtype, ...), "
                f"(Tensor other, ...)"
            )
        if more:
            non_blocking = more[0]
            copy = more[1] if len(more) > 1 else copy
    if not non_blocking.__class__ is copy.__class__ is bool:
        check_switches("to", non_blocking=non_blocking, copy=copy)
    if other is not None:
        dtype, device = other._dtype, other.device
    result = self
    if dtype is not None and dtype is not self._dtype:
        dtype = read_dtype("to", dtype)
        tell_of_loss(self, dtype)
        result = _to_dtype_table[modes.bits | result._key](result, dtype)
    if device is not None:
        result = _moved(result, device, non_blocking)
    if memory_format is not preserve_format and memory_format is not None:
        # What has the format stays as it is, with gaps, too. Sizes of 1 leave several orders; the
        # strides say which one is meant.
        if suggests_channels_last(result._array) == (memory_format is contiguous_format):
            result, copy = write_out("to", clone(result, memory_format=memory_format), None), False
        elif result is not self:
            result = result.contiguous(memory_format=memory_format)
    if copy and result is self:
        return write_out("to", clone(self, memory_format=memory_format), None)
    return result


def _is_dtype(value: Any) -> bool:
    return value.__class__ is dtype_class or (
        value.__class__ is type and value in dtypes.PYTHON_TYPES
    )


def _moved(tensor: Tensor, device: DeviceLike, non_blocking: bool = False) -> Tensor:
    target = Device(device)
    if target is CPU and tensor.is_cpu:
        return tensor
    backend = backend_of(target)
    index = backend.current_device() if target.index is None else target.index
    here = tensor.device
    if here.type == target.type and (here.index is None or here.index == index):
        return tensor
    return to_device(tensor, Device(target.type, index), here, non_blocking)


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor with the element type and on the device of ``other``."""
    return _to(self, other)


def _type(self: Tensor, dtype: dtype | str | None = None, non_blocking: bool = False) -> Any:
    """The name of the type, ``"torch.FloatTensor"``; or the tensor converted to ``dtype``.

    Args:
        dtype: an element type, or such a name.
        non_blocking: accepted; the copy is finished on return.

    Raises:
        ValueError: for a name that is none.
    """
    check_switches("type", non_blocking=non_blocking)
    if dtype is None:
        place = "" if self.is_cpu else f"{self.device.type}."
        return f"torch.{place}{_LEGACY_NAMES.get(self._dtype, self._dtype.class_name)}Tensor"
    if dtype is Tensor:
        return _to(self, dtypes.defaults.floating)
    if getattr(dtype, "is_cuda", False):
        return _to(self, "cuda", dtype.dtype)  # type: ignore[union-attr]
    if not isinstance(dtype, str):
        return _to(self, TYPES_BY_CLASS.get(dtype, dtype))
    module, _, name = dtype.rpartition(".")
    for kind in dtypes.ALL:
        if f"{_LEGACY_NAMES.get(kind, kind.class_name)}Tensor" == name:
            place = module.removeprefix("torch").removeprefix(".") or "cpu"
            return _to(self, place, kind)
    raise ValueError(f"invalid type: {dtype!r}")


_LEGACY_NAMES = {dtypes.complex64: "ComplexFloat", dtypes.complex128: "ComplexDouble"}
TYPES_BY_CLASS: dict[Any, dtype_class] = {**dtypes.PYTHON_TYPES}


def _converter(name: str, kind: dtype_class) -> Callable[..., Tensor]:
    def convert(self: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        if kind is self._dtype and memory_format is preserve_format:
            return self
        return _to(self, kind, memory_format=memory_format)

    convert.__name__ = name
    convert.__doc__ = f"The tensor with elements of type {kind.name}; itself when they are."
    return convert


def _cpu(self: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
    """The tensor in the host's memory; itself when it is there."""
    if memory_format is preserve_format and self.is_cpu:
        return self
    return _to(self, CPU, memory_format=memory_format)


def _cuda(
    self: Tensor,
    device: DeviceLike | None = None,
    non_blocking: bool = False,
    memory_format: memory_format = preserve_format,
) -> Tensor:
    """The tensor on a CUDA device, the current one when None; itself when it is there.

    Raises:
        RuntimeError: when no backend serves CUDA devices.
    """
    place = "cuda" if device is None else device
    return _to(self, place, non_blocking=non_blocking, memory_format=memory_format)


for _name, _method in {
    "cpu": _cpu,
    "cuda": _cuda,
    "to": _to,
    "type": _type,
    "type_as": _type_as,
    **{name: _converter(name, kind) for name, kind in dtypes.names_in_c("c").items()},
}.items():
    setattr(Tensor, _name, _method)
