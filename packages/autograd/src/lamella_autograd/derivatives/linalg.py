"""Derivatives of the products of vectors and matrices."""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative
from lamella_autograd.restore import reused, sum_to_shape
from lamella_core.ops.linalg import cross_product, linear, matmul, rows_product
from lamella_core.tensor import Tensor


def _matmul_input(grad: Tensor, input_shape: tuple[int, ...], other: Tensor) -> Tensor:
    return _of_shape(_for_left(grad, input_shape, conj(other)), input_shape)


def _of_shape(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of an operand whose batch dimensions were broadcast."""
    return grad if grad._array.shape == shape else sum_to_shape(grad, shape)


def _for_left(grad: Tensor, input_shape: tuple[int, ...], other: Tensor) -> Tensor:
    ndim = other._array.ndim
    if ndim == 1:
        return (grad if len(input_shape) == 1 else grad.unsqueeze(-1)) * other
    if ndim == 2:
        return linear(grad, other)
    if len(input_shape) == 1:
        return matmul(other, grad.unsqueeze(-1)).squeeze(-1)
    return matmul(grad, other.transpose(-1, -2))


def _matmul_other(grad: Tensor, other_shape: tuple[int, ...], input: Tensor) -> Tensor:
    return _of_shape(_for_right(grad, other_shape, conj(input)), other_shape)


def _for_right(grad: Tensor, other_shape: tuple[int, ...], input: Tensor) -> Tensor:
    ndim = input._array.ndim
    if len(other_shape) == 1:
        if ndim == 1:
            return grad * input
        return rows_product(input, grad.unsqueeze(-1)).squeeze(-1)
    if ndim == 1:
        return input.unsqueeze(-1) * grad.unsqueeze(-2)
    if len(other_shape) == 2:
        return rows_product(input, grad)
    return matmul(input.transpose(-1, -2), grad)


def _scaled(grad: Tensor, factor: Any, own: bool = False) -> Tensor:
    if factor == 1:
        return grad
    return reused(grad, "mul", conj(factor)) if own else grad * conj(factor)


def _linear_input(grad: Tensor, weight: Tensor) -> Tensor:
    if weight._array.ndim == 1:
        return grad.unsqueeze(-1) * conj(weight)
    return matmul(grad, conj(weight))


def _linear_weight(grad: Tensor, weight_shape: tuple[int, ...], input: Tensor) -> Tensor:
    if len(weight_shape) == 1:
        return rows_product(grad.unsqueeze(-1), conj(input)).squeeze(0)
    return rows_product(grad, conj(input))


def _linear_bias(grad: Tensor, input_shape: tuple[int, ...], bias_shape: tuple[int, ...]) -> Tensor:
    # The node's name asks for the rank of the input.
    ndim = grad._array.ndim
    if ndim == len(bias_shape):
        return grad
    return grad.sum(0 if ndim == 2 else tuple(range(ndim - len(bias_shape))))


derivative(
    "linalg_cross",
    input=lambda grad, input_shape, other, dim: _of_shape(
        cross_product(conj(other), grad, dim), input_shape
    ),
    other=lambda grad, other_shape, input, dim: _of_shape(
        cross_product(grad, conj(input), dim), other_shape
    ),
)
derivative(
    "added_product",
    input=lambda grad, input_shape, beta: sum_to_shape(_scaled(grad, beta), input_shape),
    left=lambda grad, left_shape, right, alpha: _scaled(
        _matmul_input(grad, left_shape, right), alpha, own=True
    ),
    right=lambda grad, right_shape, left, alpha: _scaled(
        _matmul_other(grad, right_shape, left), alpha, own=True
    ),
)
derivative(
    "vdot",
    input=lambda grad, other: conj(grad) * other,
    other=lambda grad, input: grad * input,
)
derivative("matmul", input=_matmul_input, other=_matmul_other)
derivative("linear", input=_linear_input, weight=_linear_weight, bias=_linear_bias)
derivative(
    "rows_product",
    input=lambda grad, other: linear(conj(other), grad),
    other=lambda grad, input: matmul(conj(input), grad),
)
