"""Derivatives of writing at places.

What is overwritten has no gradient; what is written has that of the place it went to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import is_unseen, reused
from lamella_core.ops.gathering import where

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _gathered(grad: Tensor, dim: int, index: Tensor, src_shape: tuple[int, ...]) -> Tensor:
    """The gradient of scattered values; those beyond the index's shape have none."""
    part = grad.gather(dim, index)
    if index._array.shape == src_shape:
        return part
    whole = grad.new_zeros(src_shape)
    whole[tuple([slice(0, n) for n in index._array.shape])] = part
    return whole


derivative(
    "scatter",
    input=lambda grad, dim, index: grad.scatter(dim, index, 0),
    src=lambda grad, dim, index, src_shape: _gathered(grad, dim, index, src_shape),
)
derivative(
    "scatter_add",
    input=lambda grad: grad,
    src=lambda grad, dim, index, src_shape: _gathered(grad, dim, index, src_shape),
)


def _reduced(
    grad: Tensor,
    result: Tensor,
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    include_self: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients of a scatter whose values are combined where they meet."""
    if index._array.shape != src._array.shape:
        part = src[tuple([slice(0, n) for n in index._array.shape])]
        of_input, of_part = _reduced(grad, result, input, dim, index, part, reduce, include_self)
        of_src = src.new_zeros(src.shape)
        of_src[tuple([slice(0, n) for n in index._array.shape])] = of_part
        return of_input, of_src
    if reduce == "sum":
        of_input, of_src = grad, grad.gather(dim, index)
    elif reduce == "mean":
        counts = input.new_ones(input.shape) if include_self else input.new_zeros(input.shape)
        counts = counts.scatter_add(dim, index, src.new_ones(src.shape)).clamp(min=1)
        of_input = grad / counts
        of_src = of_input.gather(dim, index)
    elif reduce == "prod":
        of_input, of_src = _product(grad, result, input, dim, index, src, include_self)
    else:
        # Elements that share the extreme value share the gradient; the input counts among them
        # even where it was left out.
        is_input = (input == result).to(grad.dtype)
        is_src = (src == result.gather(dim, index)).to(grad.dtype)
        share = grad / is_input.scatter_add(dim, index, is_src)
        of_input, of_src = share * is_input, share.gather(dim, index) * is_src
    if not include_self:
        of_input = of_input.scatter(dim, index, 0)
    return of_input, of_src


def _product(
    grad: Tensor,
    result: Tensor,
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    include_self: bool,
) -> tuple[Tensor, Tensor]:
    """Each factor's gradient is the product of the others, also where a factor is zero."""
    of_one = input.masked_fill(input == 0, 1)
    others = of_one.scatter_reduce(dim, index, src, "prod", include_self=include_self)
    of_input = grad * others / of_one
    zero = src == 0
    zeros_there = input.new_zeros(input.shape).scatter_add(dim, index, zero.to(input.dtype))
    alone = zero & (zeros_there.gather(dim, index) == 1)
    without = input.scatter_reduce(
        dim, index, src.masked_fill(alone, 1), "prod", include_self=include_self
    )
    of_src = where(
        alone,
        (grad * without).gather(dim, index),
        (grad * result).gather(dim, index) / src.masked_fill(zero, 1),
    )
    return of_input, of_src


derivative(
    "scatter_reduce",
    joint=("input", "src"),
    compute=lambda grad, result, input, dim, index, src, reduce, include_self: _reduced(
        grad, result, input, dim, index, src, reduce, include_self
    ),
)


def _selected(grad: Tensor, dim: int, index: Tensor, shape: tuple[int, ...]) -> Tensor:
    return grad.index_select(dim, index).reshape(shape)


def _added(
    grad: Tensor, dim: int, index: Tensor, alpha: Any, source_shape: tuple[int, ...]
) -> Tensor:
    part = _selected(grad, dim, index, source_shape)
    return part if alpha == 1 else reused(part, "mul", alpha)


def _filled_value(grad: Tensor, dim: int, index: Tensor) -> Tensor:
    if is_unseen() and grad._array.ndim:
        # Each place counts once.
        return grad.index_select(dim, (index % grad._array.shape[dim]).unique()).sum()
    return (grad * grad.new_zeros(grad.shape).index_fill(dim, index, 1)).sum()


derivative(
    "index_add",
    input=lambda grad: grad,
    source=_added,
)
derivative(
    "index_copy",
    input=lambda grad, dim, index: grad.index_fill(dim, index.long(), 0),
    source=lambda grad, dim, index, source_shape: _selected(grad, dim, index, source_shape),
)
derivative(
    "index_fill",
    input=lambda grad, dim, index: grad.index_fill(dim, index, 0),
    value=_filled_value,
)


def _index_reduced(
    grad: Tensor,
    result: Tensor,
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    include_self: bool,
) -> tuple[Any, Any]:
    ndim = source._array.ndim
    places = index.long()
    if ndim:
        places = places.reshape((1,) * dim + (-1,) + (1,) * (ndim - dim - 1)).expand(source.shape)
    else:
        places = places.reshape(())
    return _reduced(grad, result, input, dim, places, source, reduce, include_self)


derivative("index_reduce", joint=("input", "source"), compute=_index_reduced)
derivative(
    "put",
    input=lambda grad, index, accumulate: (
        grad if accumulate else grad.put(index, grad.new_zeros(index.shape))
    ),
    source=lambda grad, index, source_shape: grad.take(index).reshape(source_shape),
)
derivative(
    "masked_fill",
    input=lambda grad, mask: grad.masked_fill(mask, 0),
    value=lambda grad, mask: where(mask, grad, 0).sum(),
)


def _masked_source(grad: Tensor, mask: Tensor, source_shape: tuple[int, ...]) -> Tensor:
    whole = grad.new_zeros(source_shape)
    given = grad.masked_select(mask)
    flat = whole.reshape(-1)
    flat[: given.numel()] = given
    return flat.reshape(source_shape)


derivative(
    "masked_scatter",
    input=lambda grad, mask: grad.masked_fill(mask, 0),
    source=_masked_source,
)
