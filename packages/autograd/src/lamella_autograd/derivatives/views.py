"""Derivatives of the views."""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import is_unseen, onto_zeros, reused, sum_to_shape
from lamella_core.dtype import int32, int64
from lamella_core.formats import reach
from lamella_core.ops.creation import arange
from lamella_core.ops.views import basic_index_backward, diagonal_backward, unfold_backward
from lamella_core.tensor import Tensor


def _unpermuted(grad: Tensor, dims: tuple[int, ...]) -> Tensor:
    places = [dim % len(dims) for dim in dims]
    return grad.permute(sorted(range(len(dims)), key=places.__getitem__))


def _indexed(grad: Tensor, input_shape: tuple[int, ...], index: Any) -> Tensor:
    # An index names no element twice and keeps their order: as many are all of them.
    if grad._array.size == prod(input_shape):
        return grad.reshape(input_shape)
    return basic_index_backward(grad, input_shape, index)


derivative("view", input=lambda grad, input_shape: grad.reshape(input_shape))
derivative("permute", input=_unpermuted)
derivative("transpose", input=lambda grad, dim0, dim1: grad.transpose(dim0, dim1))
derivative("expand", input=lambda grad, input_shape: sum_to_shape(grad, input_shape))
derivative("unsqueeze", input=lambda grad, dim: grad.squeeze(dim))
derivative("squeeze", input=lambda grad, input_shape, dim: grad.reshape(input_shape))
derivative("basic_index", input=_indexed)
derivative("basic_index_backward", source=lambda grad, index: grad[index])
derivative(
    "diagonal",
    input=lambda grad, input_shape, offset, dim1, dim2: diagonal_backward(
        grad, input_shape, offset, dim1, dim2
    ),
)
derivative(
    "diagonal_backward",
    source=lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2),
)
derivative(
    "unfold",
    input=lambda grad, input_shape, dimension, size, step: unfold_backward(
        grad, input_shape, dimension, size, step
    ),
)
derivative(
    "unfold_backward",
    source=lambda grad, dimension, size, step: grad.unfold(dimension, size, step),
)
non_differentiable("view_dtype")


def _as_strided(grad: Tensor, size: Any, stride: Any, storage_offset: int, geometry: Any) -> Tensor:
    """Adds the gradient up on the flat storage, and reads off the part that the input covers.

    Where several elements of the input are one in memory, each has an equal share.
    """
    shape, steps, offset = geometry
    start = min(storage_offset, offset)
    count = max(storage_offset + reach(size, stride), offset + reach(shape, steps)) - start
    if is_unseen() and _is_apart(size, stride) and _is_apart(shape, steps):
        flat = grad.new_zeros(count)
        flat.as_strided(size, stride, storage_offset - start).copy_(grad)
        return flat.as_strided(shape, steps, offset - start)
    # Of half the memory, where they fit.
    places = arange(count, device=grad.device, dtype=int32 if count < 2**31 else int64)
    targets = places.as_strided(size, stride, storage_offset - start).reshape(-1)
    flat = onto_zeros(grad, (count,), "index_add", 0, targets, grad.reshape(-1))
    del targets
    if 0 in steps:
        here = places.as_strided(shape, steps, offset - start).reshape(-1)
        ones = grad.new_ones(()).expand(here.shape)
        shares = onto_zeros(grad, (count,), "index_add", 0, here, ones)
        flat = reused(flat, "div", reused(shares, "clamp", 1))
    return flat.as_strided(shape, steps, offset - start)


def _is_apart(shape: tuple[int, ...], steps: tuple[int, ...]) -> bool:
    # Whether each step goes beyond all that the smaller ones reach.
    end = 0
    for step, n in sorted(zip(steps, shape, strict=True)):
        if n > 1:
            if step <= end:
                return False
            end += (n - 1) * step
    return True


derivative("as_strided", input=_as_strided)
