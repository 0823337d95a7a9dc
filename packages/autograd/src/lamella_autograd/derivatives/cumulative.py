"""Derivatives of the cumulative ops."""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, pushforward
from lamella_autograd.modes import NO_GRAD
from lamella_autograd.restore import onto_zeros
from lamella_core.conventions.common import anywhere
from lamella_core.dispatch import modes
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor
from lamella_core.type_info import finfo


def _sums_to_the_end(input: Tensor, dim: int) -> Tensor:
    return input.flip(dim).cumsum(dim).flip(dim)


def _cumsum_input(grad: Tensor, dim: int) -> Tensor:
    return _sums_to_the_end(grad, dim) if grad._array.ndim else grad


def _cumprod_input(grad: Tensor, input: Tensor, dim: int, result: Tensor) -> Tensor:
    if not input._array.ndim:
        return grad
    zero = input == 0
    if not anywhere(zero):
        return _sums_to_the_end(grad * conj(result), dim) / conj(input)
    if not modes.bits & NO_GRAD:
        return _cumprod_term_by_term(grad, input, dim)
    # Up to the first zero the rule is the usual one; at it, the products without this factor
    # count; beyond it nothing does.
    zeros = zero.cumsum(dim)
    first = zero.logical_and(zeros == 1)
    usual = _sums_to_the_end(grad * conj(result), dim) / conj(input.masked_fill(zero, 1))
    without = input.masked_fill(first, 1).cumprod(dim)
    at_first = _sums_to_the_end((grad * conj(without)).masked_fill(zeros == 0, 0), dim)
    return usual.masked_fill(zeros > 0, 0) + at_first.masked_fill(first.logical_not(), 0)


def _cumprod_term_by_term(grad: Tensor, input: Tensor, dim: int) -> Tensor:
    """The gradient of cumprod where there are zeros, in a form that has derivatives itself."""
    length = input._array.shape[dim]
    before = input.new_ones(()).expand(input.narrow(dim, 0, 1)._array.shape)
    found = []
    for i in range(length):
        after = cat([before, input.narrow(dim, i + 1, length - i - 1)], dim).cumprod(dim)
        found.append((grad.narrow(dim, i, length - i) * conj(after)).sum(dim, keepdim=True))
        before = before * input.narrow(dim, i, 1)
    return cat(found, dim)


def _running_input(grads: Any, input_shape: tuple[int, ...], dim: int, results: Any) -> Tensor:
    if not input_shape:
        return grads[0]
    return onto_zeros(grads[0], input_shape, "scatter_add", dim, results[1], grads[0])


def _logcumsumexp_input(grad: Tensor, input: Tensor, dim: int, result: Tensor) -> Tensor:
    if not input._array.ndim:
        return grad
    if input._dtype.is_complex:
        sums = (conj(grad).log() - result).flip(dim).logcumsumexp(dim).flip(dim)
        return conj((sums + input).exp())
    nothing = finfo(grad._dtype).min / 2
    rising, falling = (
        size.masked_fill(absent, 1).log().masked_fill(absent, nothing)
        for size, absent in ((grad, grad <= 0), (-grad, grad >= 0))
    )
    rising, falling = (
        ((part - result).flip(dim).logcumsumexp(dim).flip(dim) + input).exp()
        for part in (rising, falling)
    )
    return rising - falling


derivative("cumsum", input=_cumsum_input)
derivative("cumprod", input=_cumprod_input)
derivative("cummax", input=_running_input, keeps=(1,))
derivative("cummin", input=_running_input, keeps=(1,))
derivative("logcumsumexp", input=_logcumsumexp_input)


@pushforward("logcumsumexp")
def _logcumsumexp_forward(tangent: Tensor, result: Tensor, input: Tensor, dim: int) -> Tensor:
    """``sum_j exp(x_j - y_i) t_j`` for ``j`` up to ``i``, by logarithms of the tangents."""
    if not input._array.ndim:
        return tangent
    if input._dtype.is_complex:
        return ((input + tangent.log()).logcumsumexp(dim) - result).exp()
    rising, falling = (
        ((input + part.clamp(min=0).log()).logcumsumexp(dim) - result).exp()
        for part in (tangent, -tangent)
    )
    return rising - falling
