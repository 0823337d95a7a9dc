"""Quantized tensors, and the dispatch layer that finds what an op does with them.

A quantized tensor's array holds the integers, so that views of it are views. How they map to
numbers stands beside them. Its key has the bit :data:`QUANTIZED`, by which every call that it takes
part in comes to :class:`QuantizedLayer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import lamella_core as core
from lamella_core.conventions.structural import Structural
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import KindLayer, new_bit, register_layer
from lamella_core.dtype import OF_NUMPY
from lamella_core.ops.splitting import fill_in_parts
from lamella_core.tensor import Tensor
from lamella_quantization.dtypes import per_channel_affine, per_tensor_affine
from lamella_quantization.printing import format_quantized

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype

QUANTIZED = new_bit()
# Numbers that are quantized at a time.
_PART = 32768


class Mapping(NamedTuple):
    """``number = (integer - zero_point) * scale``.

    ``scale`` and ``zero_point`` are numbers; or, along ``axis``, tensors float64 and int64.
    """

    scale: Any
    zero_point: Any
    axis: int | None = None

    @property
    def scheme(self) -> Any:
        return per_tensor_affine if self.axis is None else per_channel_affine

    def like(self, other: Mapping) -> bool:
        """Whether both map alike."""
        if self.axis is None or other.axis is None:
            return self == other
        return self.axis == other.axis and bool(
            (self.scale == other.scale).all() and (self.zero_point == other.zero_point).all()
        )


class QuantizedTensor(Tensor):
    """A tensor of integers that stand for numbers."""

    __slots__ = ()

    _mapping: Mapping

    @property
    def is_quantized(self) -> bool:
        """True."""
        return True

    def __repr__(self) -> str:
        return format_quantized(dequantized(self), self._dtype, self._mapping)

    def detach(self) -> Tensor:
        """Another tensor over the same integers."""
        return make(integers(self), self._dtype, self._mapping)

    def item(self) -> Any:
        """The number that a tensor of one element stands for."""
        return dequantized(self).item()

    def tolist(self) -> Any:
        """Fails: ``dequantize().tolist()`` gives the numbers, ``int_repr().tolist()`` the integers.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("tolist: not for quantized tensors; use dequantize() or int_repr()")

    def numpy(self, *, force: bool = False) -> Any:
        """Fails as :meth:`tolist` does.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            f"Got unsupported ScalarType {self._dtype.class_name}: use dequantize() or int_repr()"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = make(integers(self).clone(), self._dtype, self._mapping)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return make, (integers(self), self._dtype, self._mapping)


def make(values: Tensor, dtype: dtype, mapping: Mapping) -> QuantizedTensor:
    """A quantized tensor over the memory of an integer tensor."""
    tensor = object.__new__(QuantizedTensor)
    tensor._array, tensor._storage, tensor._view = values._array, values._storage, values._view
    tensor._dtype = dtype
    tensor._key = values._key | QUANTIZED
    tensor._graph = tensor._grad = None
    tensor._mapping = mapping
    return tensor


def integers(tensor: QuantizedTensor) -> Tensor:
    """The integers, as a tensor over the same memory."""
    values = object.__new__(Tensor)
    values._array, values._view = tensor._array, tensor._view
    values._storage = tensor.untyped_storage()
    values._dtype = OF_NUMPY[tensor._array.dtype]
    values._key = tensor._key & ~QUANTIZED
    values._graph = values._grad = None
    return values


def _along(values: Any, mapping: Mapping, ndim: int) -> Any:
    """A scale or zero point in the shape that broadcasts along the mapping's axis."""
    if mapping.axis is None:
        return values
    return values.reshape([-1 if dim == mapping.axis else 1 for dim in range(ndim)])


def quantized(input: Tensor, dtype: dtype, mapping: Mapping) -> QuantizedTensor:
    """float32 numbers as the nearest integers that the type has, ties to even."""
    ndim = input.ndim
    scale = mapping.scale
    if mapping.axis is None:
        inverse: Any = core.tensor(1.0, device=input.device) / core.tensor(
            scale, dtype=core.float32, device=input.device
        )
    else:
        inverse = _along(1.0 / scale.float(), mapping, ndim)
    integer = OF_NUMPY[dtype.numpy]
    limits = core.iinfo(integer)
    zero_point = _along(mapping.zero_point, mapping, ndim)

    def places(input: Tensor) -> Tensor:
        if dtype.itemsize == 1:
            # Rounded to float32 once, after the sum, as PyTorch's fused multiply-add does.
            found = (input.double() * inverse + zero_point).float().round().double()
        else:
            found = (input * inverse + zero_point).round().double()
        return found.clamp(limits.min, limits.max).to(integer)

    if mapping.axis is not None or input.numel() <= _PART or not input.is_contiguous():
        return make(places(input), dtype, mapping)
    values = input.new_empty(input.shape, dtype=integer)
    fill_in_parts(values.view(-1), _PART, places, input.view(-1))
    return make(values, dtype, mapping)


def dequantized(tensor: QuantizedTensor) -> Tensor:
    """The numbers that the integers stand for, float32."""
    mapping, ndim = tensor._mapping, tensor.ndim
    shifted = integers(tensor).long() - _along(mapping.zero_point, mapping, ndim)
    scale = mapping.scale
    if mapping.axis is not None:
        scale = _along(scale.float(), mapping, ndim)
    return shifted.float() * scale


# ------------ the layer


class QuantizedLayer(KindLayer):
    """Sends calls with a quantized argument to the op's handler, or, for views and copies of a
    tensor with one mapping, to the op itself on the integers."""

    name = "quantized"
    level = 60
    bits = QUANTIZED
    way_out = "dequantize()"

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        moves = isinstance(op.convention, (View, StridedView, Structural))
        if moves and op.mutates is None and op.name not in (*self.handlers, "to_dtype"):
            return lambda *args: _on_integers(op, below, args)
        return super().wrap(op, key, below)


def _on_integers(op: Op, below: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Moves the integers, and keeps what they stand for."""
    first: Any = None

    def plain(value: Any) -> Any:
        nonlocal first
        if isinstance(value, (list, tuple)):
            return type(value)([plain(each) for each in value])
        if not isinstance(value, QuantizedTensor):
            return value
        if first is None:
            first = value
        elif first._dtype is not value._dtype or not first._mapping.like(value._mapping):
            raise RuntimeError(
                f"{op.name}: quantized tensors of different types, scales or zero points; use "
                "dequantize() first"
            )
        return integers(value)

    values = [plain(each) for each in args]
    if first._mapping.axis is not None and op.name != "clone":
        raise NotImplementedError(
            f"{op.name}: not implemented for tensors that are quantized per channel; use "
            "dequantize() first"
        )

    def again(result: Any) -> Any:
        if isinstance(result, (list, tuple)):
            return type(result)([again(each) for each in result])
        return make(result, first._dtype, first._mapping)

    return again(below(*values))


_layer = QuantizedLayer()
register_layer(_layer)
handles = _layer.handles
