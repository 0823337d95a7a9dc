"""Derivatives of the reductions."""

from __future__ import annotations

from math import prod as product
from typing import Any

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import is_unseen, onto_zeros, reused, sum_to_shape
from lamella_core.conventions.common import anywhere
from lamella_core.ops.arithmetic import div
from lamella_core.ops.eigen import svd
from lamella_core.ops.joining import cat
from lamella_core.ops.reduction import polar_factor, sum
from lamella_core.tensor import Tensor


def reduced_dims(shape: tuple[int, ...], dim: Any) -> list[int]:
    """The dimensions that a reduction went over, counted from the front, in order."""
    ndim = len(shape)
    if dim is None or not ndim:
        return list(range(ndim))
    if dim.__class__ is int:
        return [dim % ndim]
    return sorted(d % ndim for d in dim) or list(range(ndim))


def with_reduced_dims(tensor: Tensor, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    """The result of a reduction, or its gradient, as it would be with ``keepdim=True``."""
    if keepdim or not tensor._array.ndim:
        return tensor
    if dim.__class__ is int:
        return tensor.unsqueeze(dim)
    for d in reduced_dims(shape, dim):
        tensor = tensor.unsqueeze(d)
    return tensor


def expand_reduced(grad: Tensor, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    """The gradient of a sum: that of the result, for every element that went into it."""
    return with_reduced_dims(grad, shape, dim, keepdim).expand(shape)


def _mean_input(grad: Tensor, input_shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    count = product([input_shape[d] for d in reduced_dims(input_shape, dim)])
    grad = grad / count if count else grad * float("nan")
    return expand_reduced(grad, input_shape, dim, keepdim)


def _prod_input(
    grad: Tensor, input: Tensor, dim: int | None, keepdim: bool, dtype: Any, result: Tensor
) -> Tensor:
    shape = input._array.shape
    if dtype is not None:
        input = input.to(dtype)
    grad = with_reduced_dims(grad, shape, dim, keepdim)
    zero = input == 0
    if not anywhere(zero):
        del zero
        return grad * conj(with_reduced_dims(result, shape, dim, keepdim) / input)
    if not shape:
        return grad
    if is_unseen():
        # Of one zero in a group its own factor is left out; the others' products have it.
        others = input.masked_fill(zero, 1)
        total = others.prod() if dim is None else others.prod(dim, keepdim=True)
        others = div(total, others, out=others)
        zeros = zero.sum() if dim is None else zero.sum(dim, keepdim=True)
        return reused(reused(conj(others), "masked_fill", zeros > zero, 0), "mul", grad)
    along = 0 if dim is None else dim
    factors = input.reshape(-1) if dim is None else input
    others = _product_of_others(factors, along)
    return grad * conj(others.reshape(shape))


def _product_of_others(input: Tensor, dim: int) -> Tensor:
    """For every element the product of all others along a dimension, zeros among them or not."""
    length = input._array.shape[dim]
    one = input.new_ones(()).expand(input.narrow(dim, 0, 1)._array.shape)
    before = cat([one, input.narrow(dim, 0, length - 1)], dim).cumprod(dim)
    after = cat([one, input.flip(dim).narrow(dim, 0, length - 1)], dim).cumprod(dim)
    return before * after.flip(dim)


def shared_among_equal(
    grad: Tensor, input: Tensor, result: Tensor, dim: Any, keepdim: bool
) -> Tensor:
    """The gradient of an extremum, in equal parts for all elements that reach it.

    ``dim`` is None for ``max`` and ``min`` of a whole tensor, where NaN is one; for ``amax`` and
    ``amin`` nothing reaches a NaN, and the gradient is NaN.
    """
    shape = input._array.shape
    equal = input == with_reduced_dims(result, shape, dim, keepdim)
    if dim is None:
        equal = equal | (input != input)
    chosen = equal.to(grad._dtype)
    share = 1 / (sum(chosen, dim, True) if shape else chosen)
    del chosen
    return with_reduced_dims(grad, shape, dim, keepdim) * share * equal


def at_index(
    grad: Tensor, input_shape: tuple[int, ...], dim: int, index: Tensor, keepdim: bool
) -> Tensor:
    """The gradient of selected elements, at the places that they were selected from."""
    if not input_shape:
        return grad
    if not keepdim:
        grad, index = grad.unsqueeze(dim), index.unsqueeze(dim)
    return onto_zeros(grad, input_shape, "scatter", dim, index, grad)


def _dim_index(
    grads: Any, input_shape: tuple[int, ...], dim: int, keepdim: bool, results: Any
) -> Tensor:
    return at_index(grads[0], input_shape, dim, results[1], keepdim)


def _logsumexp_input(
    grad: Tensor, input: Tensor, dim: Any, keepdim: bool, result: Tensor
) -> Tensor:
    shape = input._array.shape
    grad = with_reduced_dims(grad, shape, dim, keepdim)
    result = with_reduced_dims(result, shape, dim, keepdim)
    return grad * conj((input - result).exp())


def vector_norm_input(
    grad: Tensor, input: Tensor, dim: Any, keepdim: bool, ord: float, result: Tensor
) -> Tensor | None:
    """The gradient of norms, shared among several largest elements; None of order 0."""
    shape = input._array.shape
    grad = with_reduced_dims(grad, shape, dim, keepdim)
    norm = with_reduced_dims(result, shape, dim, keepdim)
    if ord == 0:
        return None
    if ord == 1:
        return input.sgn() * grad
    if ord == 2:
        return input * (grad / norm.masked_fill(norm == 0, float("inf")))
    size = abs(input)
    if ord in (float("inf"), float("-inf")):
        chosen = ((size == norm) | (size != size)).to(grad._dtype)
        del size
        chosen = chosen * (grad / (sum(chosen, dim, True) if shape else chosen))
        return input.sgn() * chosen
    scale = grad / (norm ** (ord - 1)).masked_fill(norm == 0, float("inf"))
    if is_unseen() and not input._dtype.is_complex:
        slope = size.pow_(ord - (1 if ord < 2 else 2))
        if ord < 1:
            slope.masked_fill_(input == 0, 0)
        return slope.mul_(input.sgn() if ord < 2 else input).mul_(scale)
    if ord < 1:
        return input.sgn() * (size ** (ord - 1)).masked_fill(input == 0, 0) * scale
    if ord < 2:
        return input.sgn() * size ** (ord - 1) * scale
    return input * size ** (ord - 2) * scale


def _dist(
    grad: Tensor, input: Tensor, other: Tensor, p: Any, result: Tensor, needs: tuple[bool, ...]
) -> Any:
    slope = vector_norm_input(grad, input - other, None, False, p, result)
    if slope is None:
        return None, None
    by_input = sum_to_shape(slope, input._array.shape) if needs[0] else None
    return by_input, sum_to_shape(-slope, other._array.shape) if needs[1] else None


derivative("dist", joint=("input", "other"), compute=_dist)
derivative(
    "sum",
    input=lambda grad, input_shape, dim, keepdim: expand_reduced(grad, input_shape, dim, keepdim),
)
derivative(
    "nansum",
    input=lambda grad, input, dim, keepdim: expand_reduced(
        grad, input._array.shape, dim, keepdim
    ).masked_fill(input != input, 0),
)
derivative("mean", input=_mean_input)
derivative("prod", input=_prod_input)
for _name in ("amax", "amin"):
    derivative(
        _name,
        input=lambda grad, input, result, dim, keepdim: shared_among_equal(
            grad, input, result, dim, keepdim
        ),
    )
derivative("max_dim", input=_dim_index, keeps=(1,))
derivative("min_dim", input=_dim_index, keeps=(1,))
derivative("logsumexp", input=_logsumexp_input)
derivative("vector_norm", input=vector_norm_input)


def _polar_factor_input(grad: Tensor, input: Tensor) -> Tensor:
    left, sizes, right = svd(input, full_matrices=False)
    middle = left.mH @ grad @ right.mH
    turning = (middle - middle.mH) / (sizes.unsqueeze(-1) + sizes.unsqueeze(-2))
    total = left @ turning @ right
    # What the singular vectors do not span, on the longer side.
    rows, columns = input._array.shape[-2:]
    if rows > columns:
        rest = grad @ right.mH
        total = total + ((rest - left @ (left.mH @ rest)) / sizes.unsqueeze(-2)) @ right
    if columns > rows:
        rest = left.mH @ grad
        total = total + (left / sizes.unsqueeze(-2)) @ (rest - rest @ right.mH @ right)
    return total


derivative("polar_factor", input=_polar_factor_input)
derivative(
    "nuclear_norm",
    input=lambda grad, input: reused(polar_factor(input), "mul", grad.unsqueeze(-1).unsqueeze(-1)),
)
non_differentiable("all", "any", "argmax", "argmin", "count_nonzero")
