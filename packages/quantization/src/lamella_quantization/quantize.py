"""Numbers to quantized tensors and back, and what ops make of quantized tensors."""

from __future__ import annotations

from typing import Any, NoReturn

import lamella_core as core
from lamella_core.dispatch import ops
from lamella_core.dtype import OF_NUMPY, dtype
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor
from lamella_quantization.dtypes import QUANTIZED
from lamella_quantization.layer import (
    Mapping,
    QuantizedTensor,
    dequantized,
    handles,
    integers,
    make,
    quantized,
)


def quantize_per_tensor(input: Any, scale: Any, zero_point: Any, dtype: dtype) -> Any:
    """Integers of which ``(integer - zero_point) * scale`` is nearest to the numbers.

    Args:
        input: float32 of any shape; or a list of such, with a tensor of scales and one of zero
            points, one for each.
        scale: the distance of neighbouring numbers.
        zero_point: the integer that stands for 0.
        dtype: ``quint8``, ``qint8`` or ``qint32``. Numbers beyond its range become its ends.

    Raises:
        RuntimeError: another type of the input or of the result, or a zero point that the type
            has not.
    """
    if isinstance(input, (list, tuple)):
        pairs = zip(input, scale.tolist(), zero_point.tolist(), strict=True)
        return tuple([quantize_per_tensor(each, s, z, dtype) for each, s, z in pairs])
    _check_types(input, dtype)
    scale, zero_point = float(scale), int(zero_point)
    limits = core.iinfo(OF_NUMPY[dtype.numpy])
    if not limits.min <= zero_point <= limits.max:
        raise RuntimeError(
            f"quantize_tensor_per_tensor_affine zero_point {zero_point} is "
            f"{'above upper' if zero_point > 0 else 'below lower'} bound."
        )
    return quantized(input.detach(), dtype, Mapping(scale, zero_point))


def quantize_per_channel(
    input: Tensor, scales: Tensor, zero_points: Tensor, axis: int, dtype: dtype
) -> Tensor:
    """As :func:`quantize_per_tensor`, with a scale and a zero point for each index of a dimension.

    Args:
        input: float32.
        scales, zero_points: ``(input.shape[axis],)``.
        axis: the dimension.
        dtype: ``quint8``, ``qint8`` or ``qint32``.

    Raises:
        RuntimeError: another type, an axis out of range, or other lengths.
    """
    _check_types(input, dtype)
    if not 0 <= axis < input.ndim:
        raise RuntimeError(
            f"Channel axis out of range in per channel affine quantization. Got: {axis} Expected: "
            f"[0, {input.ndim})"
        )
    if scales.shape != zero_points.shape:
        raise RuntimeError("number of elements in scales and zero_points must match")
    if tuple(scales.shape) != (input.shape[axis],):
        raise RuntimeError(
            f"length of scales must equal to channel, expected {input.shape[axis]} got "
            f"{scales.numel()}"
        )
    mapping = Mapping(scales.detach().double(), zero_points.detach().long(), axis)
    return quantized(input.detach(), dtype, mapping)


def _check_types(input: Tensor, dtype: dtype) -> None:
    if input.dtype is not core.float32:
        raise RuntimeError(f"Quantize only works on Float Tensor, got {input.dtype.class_name}")
    if dtype not in QUANTIZED:
        raise RuntimeError(
            f"ScalarType {dtype.class_name} is not supported in new_qtensor: use quint8, qint8 or "
            "qint32"
        )


def dequantize(input: Any) -> Any:
    """The float32 numbers that a quantized tensor, or each of several, stands for."""
    if isinstance(input, (list, tuple)):
        return tuple([dequantize(each) for each in input])
    return dequantized(input) if isinstance(input, QuantizedTensor) else input.float()


# ------------ methods


def _mapping(self: Tensor, name: str, per_channel: bool | None = None) -> Mapping:
    if not isinstance(self, QuantizedTensor):
        raise NotImplementedError(
            f"{name}: this tensor is not quantized; quantize_per_tensor makes one"
        )
    mapping = self._mapping
    if per_channel is not None and per_channel != (mapping.axis is not None):
        wanted = "per channel" if per_channel else "per tensor"
        raise RuntimeError(
            f"{name}: expected a tensor that is quantized {wanted}, but its scheme is "
            f"{mapping.scheme!r}"
        )
    return mapping


def _int_repr(self: Tensor) -> Tensor:
    """The integers, as a copy."""
    _mapping(self, "int_repr")
    return integers(self).clone()  # type: ignore[arg-type]


def _attach() -> None:
    members: dict[str, Any] = {
        "dequantize": lambda self: dequantize(self),
        "int_repr": _int_repr,
        "q_per_channel_axis": lambda self: _mapping(self, "q_per_channel_axis", True).axis,
        "q_per_channel_scales": lambda self: _mapping(self, "q_per_channel_scales", True).scale,
        "q_per_channel_zero_points": lambda self: (
            _mapping(self, "q_per_channel_zero_points", True).zero_point
        ),
        "q_scale": lambda self: _mapping(self, "q_scale", False).scale,
        "q_zero_point": lambda self: _mapping(self, "q_zero_point", False).zero_point,
        "qscheme": lambda self: _mapping(self, "qscheme").scheme,
    }
    for name, member in members.items():
        setattr(Tensor, name, member)


_attach()


# ------------ the core's ops


def _numbers(value: Any) -> Any:
    return dequantized(value) if isinstance(value, QuantizedTensor) else value


def _on_numbers(name: str) -> None:
    function = ops[name].function
    handles(name)(lambda *args: function(*[_numbers(each) for each in args]))


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _on_numbers(_name)


@handles("relu")
def relu(input: QuantizedTensor) -> Tensor:
    mapping = input._mapping
    if mapping.axis is not None:
        raise NotImplementedError("relu: not implemented for tensors quantized per channel")
    return make(integers(input).clamp(min=mapping.zero_point), input._dtype, mapping)


@handles("copy_")
def copy_(target: Tensor, source: Tensor) -> Tensor:
    if not isinstance(target, QuantizedTensor):
        return target.copy_(_numbers(source))
    if isinstance(source, QuantizedTensor):
        same = source._dtype is target._dtype and source._mapping.like(target._mapping)
        new = source if same else quantized(dequantized(source), target._dtype, target._mapping)
    else:
        new = quantized(source.detach().float(), target._dtype, target._mapping)
    integers(target).copy_(integers(new))
    mark_written(target)
    return target


@handles("to_dtype")
def to_dtype(input: QuantizedTensor, dtype: dtype) -> NoReturn:
    raise RuntimeError(
        "Creation of quantized tensor requires quantized dtype like torch.quint8: use dequantize() "
        f"and then .to({dtype!r})"
    )


@handles("to_device")
def to_device(
    input: QuantizedTensor, device: Any, source: Any, non_blocking: bool = False
) -> Tensor:
    mapping = input._mapping
    if mapping.axis is not None:
        mapping = Mapping(mapping.scale.to(device), mapping.zero_point.to(device), mapping.axis)
    return make(integers(input).to(device), input._dtype, mapping)
