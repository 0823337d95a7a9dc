"""Array kernels of group normalization: statistics of groups of channels of each example."""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_core.dispatch import shared_kernel


def _by_group(array: Any, groups: int) -> Any:
    """``(batch, groups, channels, places)``."""
    batch, channels = array.shape[:2]
    return array.reshape(batch, groups, channels // groups, prod(array.shape[2:]))


def _parameter(values: Any, groups: int, dtype: Any) -> Any:
    """``(groups, channels, 1)``."""
    return values.reshape(groups, -1, 1).astype(dtype, copy=False)


@shared_kernel
def native_group_norm(
    xp: Any, input: Any, groups: int, weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    values = _by_group(input, groups)
    count = max(prod(values.shape[2:]), 1)
    mean = values.sum((2, 3)) / count
    result = values - mean[..., None, None]
    variance = xp.einsum("ngcp,ngcp->ng", result, result) / count
    result *= (1 / xp.sqrt(variance + eps))[..., None, None]
    if weight is not None:
        result *= _parameter(weight, groups, result.dtype)
    if bias is not None:
        result += _parameter(bias, groups, result.dtype)
    return result.reshape(input.shape), mean, variance


@shared_kernel
def native_group_norm_backward(
    xp: Any,
    grad_output: Any,
    input: Any,
    groups: int,
    weight: Any,
    mean: Any,
    variance: Any,
    eps: float,
) -> tuple[Any, Any, Any]:
    values, grad = _by_group(input, groups), _by_group(grad_output, groups)
    count = max(prod(values.shape[2:]), 1)
    rstd = (1 / xp.sqrt(variance + eps))[..., None]
    result = values - mean[..., None, None]
    products, sums = xp.einsum("ngcp,ngcp->ngc", grad, result) * rstd, grad.sum(3)
    to_weight, to_bias = products.sum(0).reshape(-1), sums.sum(0).reshape(-1)
    if weight is not None:
        scale = _parameter(weight, groups, grad.dtype)
        grad = grad * scale
        products, sums = products * scale[..., 0], sums * scale[..., 0]
    result *= (products.sum(2, keepdims=True) * rstd / -count)[..., None]
    result += grad
    result -= (sums.sum(2, keepdims=True) / count)[..., None]
    result *= rstd[..., None]
    return result.reshape(input.shape), to_weight, to_bias
