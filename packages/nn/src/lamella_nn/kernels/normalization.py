"""Array kernels of normalizations: mean, then variance around it, then one affine pass."""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_core.dispatch import shared_kernel


def _channels(input: Any) -> Any:
    """``(batch, channels, places)``."""
    return input.reshape(input.shape[0], input.shape[1], prod(input.shape[2:]))


def _channel_sum(array: Any) -> Any:
    """The sum a channel of ``(batch, channels, places)``, along the contiguous axis first."""
    return array[..., 0].sum(0) if array.shape[2] == 1 else array.sum(2).sum(0)


def _channel_dot(xp: Any, first: Any, second: Any) -> Any:
    """The sum a channel of a product, which is not held itself."""
    if first.shape[2] == 1:
        return xp.einsum("bc,bc->c", first[..., 0], second[..., 0])
    return xp.einsum("bcp,bcp->bc", first, second).sum(0)


@shared_kernel
def scale_and_shift(xp: Any, input: Any, scale: Any, shift: Any) -> Any:
    result = xp.multiply(input, scale)
    return xp.add(result, shift, result if result.ndim and shift.shape == scale.shape else None)


@shared_kernel
def scale_channels(xp: Any, input: Any, scale: Any, shift: Any) -> Any:
    form = (-1, *[1] * (input.ndim - 2))
    result = input * scale.reshape(form)
    if shift is not None:
        result += shift.reshape(form)
    return result.astype(input.dtype, copy=False)


@shared_kernel
def channel_dot(xp: Any, first: Any, second: Any) -> Any:
    return _channel_dot(xp, _channels(first), _channels(second))


@shared_kernel
def native_batch_norm(
    xp: Any, input: Any, weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    values = _channels(input)
    count = max(values.shape[0] * values.shape[2], 1)
    mean = _channel_sum(values) / count
    centered = values - mean[:, None]
    variance = _channel_dot(xp, centered, centered) / count
    scale = 1 / xp.sqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    centered *= scale[:, None].astype(centered.dtype, copy=False)
    if bias is not None:
        centered += bias[:, None].astype(centered.dtype, copy=False)
    return centered.reshape(input.shape), mean, variance


@shared_kernel
def native_batch_norm_backward(
    xp: Any, grad_output: Any, input: Any, weight: Any, mean: Any, variance: Any, eps: float
) -> tuple[Any, Any, Any]:
    values, grad = _channels(input), _channels(grad_output)
    count = max(values.shape[0] * values.shape[2], 1)
    rstd = 1 / xp.sqrt(variance + eps)
    centered = values - mean[:, None]
    to_bias = _channel_sum(grad)
    to_weight = _channel_dot(xp, grad, centered) * rstd
    scale = rstd if weight is None else rstd * weight
    centered *= (to_weight * rstd / -count)[:, None].astype(centered.dtype, copy=False)
    centered += grad
    centered -= (to_bias / count)[:, None]
    centered *= scale[:, None].astype(centered.dtype, copy=False)
    return centered.reshape(input.shape), to_weight, to_bias


@shared_kernel
def native_layer_norm(
    xp: Any, input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    lead = input.shape[: input.ndim - len(sizes)]
    values = input.reshape(prod(lead), prod(sizes))
    count = max(values.shape[1], 1)
    mean = values.sum(1, keepdims=True) / count
    centered = values - mean
    rstd = 1 / xp.sqrt((centered * centered).sum(1, keepdims=True) / count + eps)
    rstd = rstd.astype(centered.dtype, copy=False)
    centered *= rstd
    if weight is not None:
        centered *= weight.reshape(-1).astype(centered.dtype, copy=False)
    if bias is not None:
        centered += bias.reshape(-1).astype(centered.dtype, copy=False)
    kept = (*lead, *[1] * len(sizes))
    return centered.reshape(input.shape), mean.reshape(kept), rstd.reshape(kept)


@shared_kernel
def native_layer_norm_backward(
    xp: Any,
    grad_output: Any,
    input: Any,
    sizes: tuple[int, ...],
    weight: Any,
    mean: Any,
    rstd: Any,
) -> tuple[Any, Any, Any]:
    rows, length = prod(input.shape[: input.ndim - len(sizes)]), prod(sizes)
    values, grad = input.reshape(rows, length), grad_output.reshape(rows, length)
    count = max(length, 1)
    rstd = rstd.reshape(rows, 1)
    normal = values - mean.reshape(rows, 1)
    normal *= rstd
    to_bias = grad.sum(0).reshape(sizes)
    to_weight = (grad * normal).sum(0).reshape(sizes)
    if weight is not None:
        grad = grad * weight.reshape(-1).astype(grad.dtype, copy=False)
    normal *= (grad * normal).sum(1, keepdims=True) / -count
    normal += grad
    normal -= grad.sum(1, keepdims=True) / count
    normal *= rstd
    return normal.reshape(input.shape), to_weight, to_bias
