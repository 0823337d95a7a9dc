"""Batching of ops that go element by element: the batch is one more dimension in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.rules import batching, batching_of_convention
from lamella_autograd.levels import call
from lamella_core.conventions.pointwise import Pointwise
from lamella_core.promotion import result_dtype
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


@batching_of_convention(Pointwise)
def pointwise(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Promotes by the shapes of one example, and aligns the examples' dimensions at the last."""
    if op.mutates == "out":
        return NotImplemented
    tensors = [a for a in args if isinstance(a, Tensor)]
    ndim = max([t._array.ndim for t in tensors])
    first = tensors[0]._dtype
    promoted = None
    if any([t._dtype is not first for t in tensors]):
        # A tensor without dimensions counts less, and in the batch it has one.
        promoted = result_dtype(tensors)
    values = list(args)
    for i, each in enumerate(args):
        if isinstance(each, Tensor):
            value = batch.aligned(each, ndim)
            if promoted is not None and value._dtype is not promoted:
                if i or op.mutates is None:
                    value = value.to(promoted)
            values[i] = value
    return call(op, *values)


@batching("where", "isclose", "complex", "polar", "keep_where", "copy")
def broadcasting(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Aligns the examples' dimensions; the types are what they are."""
    if op.mutates == "out":
        return NotImplemented
    ndim = max([a._array.ndim for a in args if isinstance(a, Tensor)])
    values = [batch.aligned(a, ndim) if isinstance(a, Tensor) else a for a in args]
    if op.name == "copy":
        values[0] = batch.full(args[0])
    return call(op, *values)


@batching("masked_fill", "fill")
def filling(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """As :func:`broadcasting`; the value is a number, or one for all examples."""
    if op.mutates == "out" or batch.is_batched(args[-1]):
        return NotImplemented
    input, *masks, value = args
    ndim = input._array.ndim
    return call(op, batch.full(input), *[batch.aligned(mask, ndim) for mask in masks], value)


@batching("frexp", "to_dtype", "to_device")
def unary(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops that treat each element by itself."""
    return call(op, batch.full(args[0]), *args[1:])
