"""Derivatives of reading at places: the gradient is written to those places."""

from __future__ import annotations

from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import onto_zeros, sum_to_shape
from lamella_core.ops.gathering import where

derivative(
    "index_select",
    input=lambda grad, input_shape, dim, index: onto_zeros(
        grad, input_shape, "index_add", dim, index, grad
    ),
)
derivative(
    "gather",
    input=lambda grad, input_shape, dim, index: onto_zeros(
        grad, input_shape, "scatter_add", dim, index, grad
    ),
)
derivative(
    "take",
    input=lambda grad, input_shape, index: onto_zeros(grad, input_shape, "put", index, grad, True),
)
derivative(
    "masked_select",
    input=lambda grad, input_shape, mask: onto_zeros(
        grad, input_shape, "masked_scatter", mask, grad
    ),
)
derivative(
    "where",
    input=lambda grad, condition, input_shape: sum_to_shape(where(condition, grad, 0), input_shape),
    other=lambda grad, condition, other_shape: sum_to_shape(where(condition, 0, grad), other_shape),
)
non_differentiable("nonzero")
