"""Derivatives of the statistics."""

from __future__ import annotations

from math import inf, nan, prod
from typing import Any

from lamella_autograd.derivatives.reduction import at_index, reduced_dims, with_reduced_dims
from lamella_autograd.formulas import derivative, non_differentiable
from lamella_core.ops.gathering import where
from lamella_core.tensor import Tensor


def _var_input(grad: Tensor, input: Tensor, dim: Any, correction: float, keepdim: bool) -> Tensor:
    shape = input._array.shape
    degrees = prod([shape[d] for d in reduced_dims(shape, dim)]) - correction
    grad = with_reduced_dims(grad, shape, dim, keepdim)
    if degrees <= 0 and not dim and dim != 0:
        return grad * where(input == input.mean(), nan, inf)
    scale = 2 / degrees if degrees else inf
    return grad * scale * (input - input.mean(dim, True))


def _std_input(
    grad: Tensor, input: Tensor, dim: Any, correction: float, keepdim: bool, result: Tensor
) -> Tensor:
    grad = (grad / (result * 2)).masked_fill(result == 0, 0)
    return _var_input(grad, input, dim, correction, keepdim)


def _median_input(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    chosen = (input == result).logical_or(input.isnan().logical_and(result.isnan()))
    chosen = chosen.to(grad._dtype)
    return chosen * (grad / chosen.sum())


def _dim_index(
    grads: Any, input_shape: tuple[int, ...], dim: int, keepdim: bool, results: Any
) -> Tensor:
    return at_index(grads[0], input_shape, dim, results[1], keepdim)


derivative("var", input=_var_input)
derivative("std", input=_std_input)
derivative("median", input=_median_input)
derivative("median_dim", input=_dim_index, keeps=(1,))
derivative("mode", input=_dim_index, keeps=(1,))
derivative("kthvalue", input=_dim_index, keeps=(1,))
non_differentiable("bincount", "histc", "histogram")
