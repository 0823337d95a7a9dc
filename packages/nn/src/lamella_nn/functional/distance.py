"""Distances and similarities between vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_core.dispatch import WATCHED
from lamella_core.ops.distance import length
from lamella_core.promotion import result_dtype

if TYPE_CHECKING:
    from lamella_core import Tensor

# How many differences are taken at a time.
_PART = 1 << 15

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``; the inputs broadcast.

    Args:
        x1, x2: floating; they are promoted to one type.
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
    x1, x2 = core.broadcast_tensors(x1.to(dtype), x2.to(dtype))
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
        RuntimeError: for another number of dimensions, or a negative p.
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, but got {p}")
    count = input._array.shape[0]
    if input._key & WATCHED or count * input.numel() <= _PART:
        first, second = core.triu_indices(count, count, 1, device=input.device)
        return rename(_between(input, first, second, p), "PdistBackward0")
    result = input.new_empty((count * (count - 1) // 2,))
    start = done = 0
    while done < result.numel():
        # The pairs of some rows with all after them.
        rows = _PART // max((count - start) * input.shape[1], 1)
        rows = min(max(rows, 1), count - start)
        first, second = core.triu_indices(rows, count - start, 1, device=input.device) + start
        part = result[done : done + first.numel()]
        part.copy_(_between(input, first, second, p))
        start, done = start + rows, done + first.numel()
    return result


def _between(input: Tensor, first: Tensor, second: Tensor, p: float) -> Tensor:
    left, right = input.index_select(0, first), input.index_select(0, second)
    if p == 0:
        # The number of differences, whose gradient is 0: that of the counting norm is None.
        return (left - right).sign().abs().sum(1)
    return length(left - right, float(p))
