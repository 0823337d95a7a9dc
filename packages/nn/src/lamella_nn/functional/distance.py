"""Distances and similarities between vectors."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import Function, is_grad_enabled, rename
from lamella_autograd import grad as gradients_of
from lamella_autograd.derivatives.reduction import vector_norm_input
from lamella_core.composite import checked
from lamella_core.conventions.common import not_implemented_for
from lamella_core.dispatch import LIFTED, WATCHED
from lamella_core.dtype import FLOATING, REDUCED_PRECISION
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.reduction import vector_norm
from lamella_core.promotion import result_dtype
from lamella_nn.functional.arguments import check_type
from lamella_nn.ops.distance import euclidean_distances

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lamella_core import Tensor

# What nn.functional has; cdist is PyTorch's at the top level alone.
__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)
# The number of vectors from which the products of a matrix product are worth their rounding.
_MANY = 25
# How many differences are taken at a time.
_PART = 49152
# From how many on a row is worth the calls of its own.
_ALONE = 2048


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``; the inputs broadcast.

    Args:
        x1, x2: floating, one of them at least; the result has their common type.
        dim: the dimension of the vectors, which the result has not.
        eps: the least length that counts, for vectors of zeros.

    Raises:
        RuntimeError: for inputs that are not floating.
    """
    dtype = result_dtype((x1, x2))
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {dtype.class_name}"
        )
    # Only integers are promoted before their length is taken.
    x1, x2 = [x if x._dtype.is_floating_point else x.to(dtype) for x in (x1, x2)]
    x1, x2 = core.broadcast_tensors(x1, x2)
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    length = core.norm(x, 2, dim, True)
    # The bound holds the value only: the gradient is that of the length itself.
    lift = length.detach().clamp(min=eps) - length.detach()
    return x / (length + lift)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension; the inputs broadcast.

    Args:
        x1, x2: ``(batch, features)`` or ``(features,)``.
        p: the degree of the norm, also infinity.
        eps: keeps the gradient of equal vectors finite.
        keepdim: whether the last dimension stays, with size 1.

    Returns:
        ``(batch,)`` or ``()``.

    Raises:
        RuntimeError: when the shapes do not broadcast.
    """
    return rename(core.norm(x1 - x2 + eps, p, -1, keepdim), "NormBackward1")


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between all pairs of rows, ``(n (n - 1) / 2,)``.

    Args:
        input: ``(n, features)``.
        p: not negative.

    Raises:
        RuntimeError: for another number of dimensions, what is not floating, or a negative p.
        NotImplementedError: for half precision.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not p >= 0:
        raise RuntimeError(f"pdist only supports non-negative p values, but got {p}")
    if not input._dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    count = input._array.shape[0]
    if count > 1 and input._array.size and input._dtype in REDUCED_PRECISION:
        raise not_implemented_for("pdist", input._dtype)
    most = 8 * _PART if input._key & WATCHED else _PART
    if input._key & LIFTED or count * input.numel() <= most:
        first, second = core.triu_indices(count, count, 1, device=input.device)
        return rename(_between(input, first, second, p), "PdistBackward0")
    return rename(_PairDistances.apply(input, p), "PdistBackward0")


class _PairDistances(Function):
    """Distances of all pairs, and their gradient, of some rows at a time with all after them."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float) -> Tensor:
        count = len(input)
        result = input.new_empty((count * (count - 1) // 2,))
        for rows, first, second, (place,) in _rows_of_pairs(input, result):
            place.copy_(_between(rows, first, second, p))
        ctx.save_for_backward(input, result)
        ctx.p = p
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        input, result = ctx.saved_tensors
        if is_grad_enabled():
            first, second = core.triu_indices(len(input), len(input), 1, device=input.device)
            distances = _between(input, first, second, ctx.p)
            return (*gradients_of(distances, (input,), grad, create_graph=True), None)
        total = core.zeros_like(input)
        for rows, first, second, pairs in _rows_of_pairs(input, grad, result):
            slopes = _slopes(rows[first] - rows[second], pairs[0], pairs[1], ctx.p)
            place = total[-len(rows) :]
            if first.__class__ is slice:
                place[first].add_(slopes.sum(0))
                place[second].sub_(slopes)
            else:
                place.index_add_(0, first, slopes).index_add_(0, second, slopes, alpha=-1)
        return total, None


def _rows_of_pairs(
    input: Tensor, *pairs: Tensor
) -> Iterator[tuple[Tensor, Any, Any, list[Tensor]]]:
    """The last rows, the places of pairs of some of them with those after, and the pairs."""
    count, start, done = len(input), 0, 0
    while done < pairs[0].numel():
        elements = max((count - start) * input.shape[1], 1)
        # Gradients of several rows at a time have to be added up by their places.
        alone = len(pairs) > 1 and elements >= _ALONE
        rows = 1 if alone else min(max(_PART // elements, 1), count - start)
        first: Any = slice(0, 1)
        second: Any = slice(1, count - start)
        found = count - start - 1
        if rows > 1:
            first, second = core.triu_indices(rows, count - start, 1, device=input.device)
            found = first.numel()
        yield input[start:], first, second, [each[done : done + found] for each in pairs]
        start, done = start + rows, done + found


def _between(input: Tensor, first: Any, second: Any, p: float) -> Tensor:
    if first.__class__ is slice:
        left, right = input[first], input[second]
    else:
        left, right = input.index_select(0, first), input.index_select(0, second)
    if p == 0 or not left._array.size:
        # The number of differences, whose gradient is 0: that of the counting norm is None, and
        # the largest of none an error.
        return (left - right).sign().abs().sum(1)
    return _length(left - right, float(p))


def _length(difference: Tensor, p: float) -> Tensor:
    """The norm over the last dimension, whose gradient is a distance's.

    That is, all of it goes to each of several largest differences.
    """
    if p != inf or not difference._key & WATCHED:
        return vector_norm(difference, (difference._array.ndim - 1,), False, p)
    size = difference.abs()
    largest = size.detach().amax(-1)
    part = keep_where(size, (size == largest.unsqueeze(-1)) & (size < inf))
    return largest + (part - part.detach()).sum(-1)


@checked
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """``out[..., i, j] = (sum_k |x1[..., i, k] - x2[..., j, k]|^p)^(1/p)``.

    Args:
        x1, x2: ``(..., m, k)`` and ``(..., n, k)``, both float32 or float64, or half precision
            where distances go by a matrix product; batches broadcast.
        p: the order, at least 0; inf for the largest difference, 0 for the number of differences.
        compute_mode: whether Euclidean distances go by a matrix product:
            ``use_mm_for_euclid_dist``, ``donot_use_mm_for_euclid_dist``, or
            ``use_mm_for_euclid_dist_if_necessary``, with more than 25 vectors on a side.

    Raises:
        RuntimeError: for two or other types, negative ``p`` or shapes that do not fit.
        NotImplementedError: for half precision without a matrix product.
        ValueError: for an unknown mode.
    """
    if compute_mode not in (*_MODES, None):
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, each in (("X1", x1), ("X2", x2)):
        if each._dtype.category != FLOATING:
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {each._dtype.class_name}"
            )
        if each._array.ndim < 2:
            raise RuntimeError(
                f"cdist only supports at least 2D tensors, {name} got: {each._array.ndim}D"
            )
    left, right = x1._array.shape, x2._array.shape
    if left[-1] != right[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {left[-1]} X2: {right[-1]}"
        )
    if not p >= 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    by_product = compute_mode == _MODES[1] or (
        compute_mode in (_MODES[0], None) and max(left[-2], right[-2]) > _MANY
    )
    if not (x1._array.size and x2._array.size):
        x2 = x2.to(x1._dtype)
    elif x1._dtype in REDUCED_PRECISION and not (p == 2 and by_product):
        raise not_implemented_for("cdist", x1._dtype)
    check_type("x2", x2, x1._dtype)
    if p == 2 and by_product:
        return euclidean_distances(x1, x2)
    work = x1._array.size * right[-2]
    key = x1._key | x2._key
    if key & LIFTED or (work <= 8 * _PART and (key & WATCHED or len(left) == len(right) == 2)):
        return rename(_lengths(x1, x2, p), "CdistBackward0")
    return rename(_Distances.apply(x1, x2, p), "CdistBackward0")


class _Distances(Function):
    """Distances and their gradients of a few vectors at a time, whose differences are not kept."""

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor, p: float) -> Tensor:
        shape = (*core.broadcast_shapes(x1.shape[:-2], x2.shape[:-2]), x1.shape[-2], x2.shape[-2])
        result = x1.new_empty(shape, dtype=result_dtype((x1, x2)))
        for (one,), (other,), (place,) in _pieces([x1], [x2], [result]):
            place.copy_(_lengths(one, other, p))
        ctx.save_for_backward(x1, x2, result)
        ctx.p = p
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        x1, x2, result = ctx.saved_tensors
        needs = ctx.needs_input_grad[:2]
        if is_grad_enabled():
            wanted = [x for x, need in zip((x1, x2), needs, strict=True) if need]
            found = iter(gradients_of(_lengths(x1, x2, ctx.p), wanted, grad, create_graph=True))
            return (*[next(found) if need else None for need in needs], None)
        to_x1, to_x2 = (x.new_zeros((*grad.shape[:-2], *x.shape[-2:])) for x in (x1, x2))
        for left, right, pairs in _pieces([x1, to_x1], [x2, to_x2], [grad, result]):
            difference = left[0].unsqueeze(-2) - right[0].unsqueeze(-3)
            slopes = _slopes(difference, pairs[0], pairs[1], ctx.p)
            if needs[0]:
                left[1].add_(slopes.sum(-2))
            if needs[1]:
                right[1].sub_(slopes.sum(-3))
        return to_x1.sum_to_size(x1.shape), to_x2.sum_to_size(x2.shape), None


def _slopes(difference: Tensor, grad: Tensor, distance: Tensor, p: float) -> Tensor:
    """The gradient of the norms of differences, as :func:`_length` has it."""
    if p == inf:
        size = difference.abs()
        largest = (size == distance.unsqueeze(-1)) & (size < inf)
        return keep_where(difference.sgn_().mul_(grad.unsqueeze(-1)), largest)
    slopes = vector_norm_input(grad, difference, (difference.ndim - 1,), False, p, distance)
    return difference.zero_() if slopes is None else slopes


def _pieces(
    left: Sequence[Tensor], right: Sequence[Tensor], pairs: Sequence[Tensor]
) -> Iterator[tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]]:
    """Tensors of vectors on either side, ``(..., m, k)`` and ``(..., n, k)``, and some of pairs,
    ``(..., m, n)``, cut up so that a piece has few differences."""
    batch, width = pairs[0].shape[:-2], max(left[0].shape[-1], 1)
    left = [x.expand(*batch, *x.shape[-2:]) for x in left]
    right = [x.expand(*batch, *x.shape[-2:]) for x in right]
    rows, columns = pairs[0].shape[-2:]
    if pairs[0].numel() * width <= _PART or max(rows, columns) == 1:
        yield left, right, pairs
    elif pairs[0].ndim > 2:
        for n in range(len(pairs[0])):
            yield from _pieces(*[[x[n] for x in each] for each in (left, right, pairs)])
    elif rows > 1:
        step = max(_PART // (columns * width), 1)
        for start in range(0, rows, step):
            part = slice(start, start + step)
            yield from _pieces([x[part] for x in left], right, [x[part] for x in pairs])
    else:
        step = max(_PART // width, 1)
        for start in range(0, columns, step):
            part = slice(start, start + step)
            yield left, [x[part] for x in right], [x[:, part] for x in pairs]


def _lengths(x1: Tensor, x2: Tensor, p: float) -> Tensor:
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    if not difference._array.shape[-1]:
        return difference.sum(-1)
    if p == 0:
        counts = (difference != 0).sum(-1).to(difference._dtype)
        # The zeros bring the gradient, which is 0; their product refuses a second pass of it.
        return counts + difference.zero_().mul(0).sum(-1)
    return _length(difference, float(p))
