"""Derivatives of normalizations: fused, and written in ops where they are differentiated again."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative, is_grad_enabled
from lamella_nn.ops.normalization import (
    channel_dot,
    native_batch_norm_backward,
    native_group_norm_backward,
    native_layer_norm_backward,
    scale_channels,
)

if TYPE_CHECKING:
    from lamella_core import Tensor

# Below this size, a product costs less than an op that does without it.
_FEW = 65536

Gradients = tuple["Tensor | None", "Tensor | None", "Tensor | None"]


def _in_ops(
    grad: Tensor,
    input: Tensor,
    weight: Tensor | None,
    shape: tuple[int, ...],
    inside: tuple[int, ...],
    outside: tuple[int, ...],
    eps: float,
) -> Gradients:
    """The gradients with statistics over the dimensions ``inside``, parameters of ``shape``."""
    mean = input.mean(inside, True)
    centered = input - mean
    rstd = (centered.square().mean(inside, True) + eps).rsqrt()
    normal = centered * rstd
    scaled = grad if weight is None else grad * weight.reshape(shape)
    to_input = rstd * (
        scaled - scaled.mean(inside, True) - normal * (scaled * normal).mean(inside, True)
    )
    if not outside:
        return to_input, grad * normal, grad
    return to_input, (grad * normal).sum(outside), grad.sum(outside)


def _wanted(gradients: Gradients, needs: tuple[bool, ...]) -> Gradients:
    first, second, third = [g if n else None for g, n in zip(gradients, needs, strict=True)]
    return first, second, third


def _batch_norm(
    grads: Any,
    results: Any,
    input: Tensor,
    weight: Tensor | None,
    eps: float,
    needs: tuple[bool, ...],
) -> Gradients:
    grad = grads[0]
    if is_grad_enabled():
        inside = (0, *range(2, input.ndim))
        shape = (1, -1, *[1] * (input.ndim - 2))
        return _wanted(_in_ops(grad, input, weight, shape, inside, inside, eps), needs)
    return _wanted(
        native_batch_norm_backward(grad, input, weight, results[1], results[2], eps), needs
    )


derivative(
    "native_batch_norm", joint=("input", "weight", "bias"), compute=_batch_norm, keeps=(1, 2)
)


def _layer_norm(
    grads: Any,
    results: Any,
    input: Tensor,
    sizes: tuple[int, ...],
    weight: Tensor | None,
    eps: float,
    needs: tuple[bool, ...],
) -> Gradients:
    grad = grads[0]
    if is_grad_enabled():
        lead = input.ndim - len(sizes)
        inside, outside = tuple(range(lead, input.ndim)), tuple(range(lead))
        return _wanted(_in_ops(grad, input, weight, sizes, inside, outside, eps), needs)
    return _wanted(
        native_layer_norm_backward(grad, input, sizes, weight, results[1], results[2]), needs
    )


derivative(
    "native_layer_norm", joint=("input", "weight", "bias"), compute=_layer_norm, keeps=(1, 2)
)


def _group_norm(
    grads: Any,
    results: Any,
    input: Tensor,
    groups: int,
    weight: Tensor | None,
    eps: float,
    needs: tuple[bool, ...],
) -> Gradients:
    grad, of_mean, of_variance = grads
    if of_mean is None and of_variance is None and not is_grad_enabled():
        gradients = native_group_norm_backward(
            grad, input, groups, weight, results[1], results[2], eps
        )
        return _wanted(gradients, needs)
    if grad is None:
        grad, needs = input.new_zeros(input.shape), (needs[0], False, False)
    shape = input.shape
    rows = (shape[0], groups, shape[1] // groups * prod(shape[2:]))
    by_channel = (1, -1, *[1] * (input.ndim - 2))
    values = input.reshape(rows)
    centered = values - values.mean(2, True)
    spread = centered.square().mean(2, True) + eps
    rstd = spread.rsqrt()
    normal = centered * rstd
    scaled = (grad if weight is None else grad * weight.reshape(by_channel)).reshape(rows)
    size = max(rows[2], 1)
    of_shift, of_normal = scaled.mean(2, True), (scaled * normal).mean(2, True)
    if of_mean is not None:
        of_shift = of_shift.sub(of_mean.unsqueeze(2) / rstd, alpha=1 / size)
    if of_variance is not None:
        of_normal = of_normal.sub(of_variance.unsqueeze(2) * spread, alpha=2 / size)
    to_input = rstd * (scaled - of_shift - normal * of_normal)
    outside = (0, *range(2, input.ndim))
    to_weight = (grad * normal.reshape(shape)).sum(outside) if needs[1] else None
    to_bias = grad.sum(outside) if needs[2] else None
    return to_input.reshape(shape) if needs[0] else None, to_weight, to_bias


derivative(
    "native_group_norm", joint=("input", "weight", "bias"), compute=_group_norm, keeps=(1, 2)
)


def _scale(grad: Tensor, input: Tensor, scale_shape: Any) -> Tensor:
    shape = input.shape
    if grad._array.size < _FEW:
        return grad * input
    if tuple(scale_shape) == (*shape[1:2], *[1] * (len(shape) - 2)) and grad.shape == shape:
        return channel_dot(grad, input).reshape(scale_shape)
    return grad * input


derivative(
    "scale_and_shift",
    input=lambda grad, scale: grad * scale,
    scale=_scale,
    shift=lambda grad: grad,
)


def _shift(grad: Tensor, scale: Tensor) -> Tensor:
    one = scale.new_ones((), dtype=grad.dtype)
    return channel_dot(grad, one.expand_as(grad)).to(scale.dtype)


derivative(
    "scale_channels",
    input=lambda grad, scale: scale_channels(grad, scale, None),
    scale=lambda grad, input, scale: channel_dot(grad, input).to(scale.dtype),
    shift=_shift,
)


def _by_channel(grad: Tensor, other: Tensor) -> Tensor:
    return (grad.reshape(-1, *[1] * (other.ndim - 2)) * other).to(other.dtype)


derivative(
    "channel_dot",
    first=lambda grad, second: _by_channel(grad, second),
    second=lambda grad, first: _by_channel(grad, first),
)
