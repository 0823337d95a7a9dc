"""Distances between the vectors of two lists, and vectors brought to a largest norm."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.dispatch import WATCHED
from lamella_core.dtype import FLOATING
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.reduction import vector_norm
from lamella_core.ops.splitting import broadcast_shapes
from lamella_core.promotion import result_dtype

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Number

__all__ = ["cdist", "renorm"]

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)
# The number of vectors from which the products of a matrix product are worth their rounding.
_MANY = 25
# How many differences are taken at a time.
_PART = 49152


@arrays(method=False)
def euclidean_distances(x1: Tensor, x2: Tensor) -> Tensor:
    """Distances by ``|a|^2 - 2 a b + |b|^2``: one matrix product, with rounding near 0."""


@checked
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """``out[..., i, j] = (sum_k |x1[..., i, k] - x2[..., j, k]|^p)^(1/p)``.

    Args:
        x1, x2: ``(..., m, k)`` and ``(..., n, k)``, float32 or float64; batches broadcast.
        p: the order, at least 0; inf for the largest difference, 0 for the number of differences.
        compute_mode: whether Euclidean distances go by a matrix product:
            ``use_mm_for_euclid_dist``, ``donot_use_mm_for_euclid_dist``, or
            ``use_mm_for_euclid_dist_if_necessary``, with more than 25 vectors on a side.

    Raises:
        RuntimeError: for another type, negative ``p`` or shapes that do not fit.
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
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    by_product = compute_mode == _MODES[1] or (
        compute_mode in (_MODES[0], None) and max(left[-2], right[-2]) > _MANY
    )
    if p == 2 and by_product:
        return euclidean_distances(x1, x2)
    work = x1._array.size * right[-2]
    if (x1._key | x2._key) & WATCHED or (work <= 8 * _PART and len(left) == len(right) == 2):
        return write_out("cdist", _lengths(x1, x2, p), None)
    # The differences of a few vectors at a time.
    batch = broadcast_shapes(left[:-2], right[:-2])
    result = x1.new_empty((*batch, left[-2], right[-2]), dtype=result_dtype((x1, x2)))
    parts = [(x1.expand(*batch, *left[-2:]), x2.expand(*batch, *right[-2:]), result)]
    while parts:
        one, other, into = parts.pop()
        rows, columns, width = one.shape[-2], other.shape[-2], max(left[-1], 1)
        if into.numel() * width <= _PART or max(rows, columns) == 1:
            into.copy_(_lengths(one, other, p))
        elif into.ndim > 2:
            parts.extend(zip(one, other, into, strict=True))
        elif rows > 1:
            step = max(_PART // (columns * width), 1)
            pairs = zip(one.split(step), into.split(step), strict=True)
            parts.extend((few, other, place) for few, place in pairs)
        else:
            step = max(_PART // width, 1)
            pairs = zip(other.split(step), into.split(step, 1), strict=True)
            parts.extend((one, few, place) for few, place in pairs)
    return result


def _lengths(x1: Tensor, x2: Tensor, p: float) -> Tensor:
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    if not difference._array.shape[-1]:
        return difference.sum(-1)
    if p == 0:
        counts = (difference != 0).sum(-1).to(difference._dtype)
        # The zeros bring the gradient, which is 0; their product refuses a second pass of it.
        return counts + difference.zero_().mul(0).sum(-1)
    return length(difference, float(p))


def length(difference: Tensor, p: float) -> Tensor:
    """The norm over the last dimension, whose gradient is a distance's.

    That is, all of it goes to each of several largest differences.
    """
    if p != inf or not difference._key & WATCHED:
        return vector_norm(difference, (difference._array.ndim - 1,), False, p)
    size = difference.abs()
    largest = size.detach().amax(-1)
    part = keep_where(size, (size == largest.unsqueeze(-1)) & (size < inf))
    return largest + (part - part.detach()).sum(-1)


@composite(inplace=True)
def renorm(
    input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Tensor | None = None
) -> Tensor:
    """Scales the slices along ``dim`` whose ``p``-norm exceeds ``maxnorm`` down to it.

    Args:
        input: floating or complex, with at least two dimensions.
        p: the order of the norm, positive.
        dim: the dimension that numbers the slices.
        maxnorm: not negative.

    Raises:
        RuntimeError: for ``p``, ``maxnorm`` or a number of dimensions out of range.
    """
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    ndim = input._array.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    place = normalize_dim(dim, ndim)
    others = tuple(d for d in range(ndim) if d != place)
    norms = vector_norm(input, others, True, float(p))
    # PyTorch adds 1e-7 to the norm, which bounds the factor for the smallest norms.
    factors = (maxnorm / (norms + 1e-7)).masked_fill(norms <= maxnorm, 1)
    return write_out("renorm", input * factors.to(input._dtype.to_real()), out)
