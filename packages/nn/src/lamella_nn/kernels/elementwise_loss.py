"""Array kernels of the losses of single numbers, and their gradients to the input."""

from __future__ import annotations

from typing import Any

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.activation import sigmoid
from lamella_nn.kernels.activation import log_sigmoid
from lamella_nn.kernels.precision import single


@shared_kernel
def elementwise_bce(xp: Any, input: Any, target: Any) -> Any:
    return -(
        target * xp.maximum(xp.log(input), -100) + (1 - target) * xp.maximum(xp.log1p(-input), -100)
    )


@shared_kernel
def elementwise_bce_backward(xp: Any, grad_output: Any, input: Any, target: Any) -> Any:
    # PyTorch holds x (1 - x) above 1e-12 in single precision, whatever the input's is.
    return grad_output * (input - target) / xp.maximum((1 - input) * input, 9.999999960041972e-13)


def _single(xp: Any, function: Any, input: Any) -> Any:
    """A function of float16 or bfloat16 computed in float32, rounded once."""
    if input.dtype.itemsize > 2:
        return function(xp, input)
    return converted(function(xp, single(input)), input.dtype)


def _times(xp: Any, slope: Any, factor: Any) -> Any:
    """A product, written over the slope where it fits there; an expanded factor is one number."""
    if not slope.ndim or factor.shape != slope.shape:
        return slope * factor
    if slope.size and not any(factor.strides):
        factor = factor[(0,) * factor.ndim]
    return xp.multiply(slope, factor, slope)


@shared_kernel
def elementwise_logit_bce(xp: Any, input: Any, target: Any, pos_weight: Any) -> Any:
    logarithm = _single(xp, log_sigmoid, input)
    if pos_weight is not None:
        logarithm = ((pos_weight - 1) * target + 1) * logarithm
    return (1 - target) * input - logarithm


@shared_kernel
def elementwise_logit_bce_backward(
    xp: Any, grad_output: Any, input: Any, target: Any, pos_weight: Any
) -> Any:
    slope = _single(xp, sigmoid, input)
    if pos_weight is None:
        return _times(xp, slope - target, grad_output)
    positive = pos_weight * target
    return _times(xp, (positive + 1 - target) * slope - positive, grad_output)


@shared_kernel
def elementwise_mse(xp: Any, input: Any, target: Any) -> Any:
    difference = xp.subtract(input, target)
    return xp.multiply(difference, difference, difference if difference.ndim else None)


@shared_kernel
def elementwise_mse_backward(xp: Any, grad_output: Any, input: Any, target: Any) -> Any:
    difference = xp.subtract(input, target)
    # The sum is exact, as twice the number is.
    double = xp.add(difference, difference, difference if difference.ndim else None)
    return _times(xp, double, grad_output)


def _within(xp: Any, difference: Any, bound: float) -> Any:
    near = xp.maximum(difference, -bound)
    return xp.minimum(near, bound, near if near.ndim else None)


@shared_kernel
def elementwise_huber(xp: Any, input: Any, target: Any, delta: float) -> Any:
    difference = xp.subtract(input, target)
    near = _within(xp, difference, delta)
    if not near.ndim:
        return near * (difference - near * 0.5)
    half = xp.multiply(near, 0.5)
    xp.subtract(difference, half, half)
    return xp.multiply(half, near, half)


@shared_kernel
def elementwise_huber_backward(
    xp: Any, grad_output: Any, input: Any, target: Any, delta: float
) -> Any:
    return _times(xp, _within(xp, xp.subtract(input, target), delta), grad_output)


@shared_kernel
def elementwise_smooth_l1(xp: Any, input: Any, target: Any, beta: float) -> Any:
    losses = elementwise_huber(xp, input, target, beta)
    return xp.divide(losses, beta, losses if losses.ndim else None)


@shared_kernel
def elementwise_smooth_l1_backward(
    xp: Any, grad_output: Any, input: Any, target: Any, beta: float
) -> Any:
    slope = _within(xp, xp.subtract(input, target), beta)
    return _times(xp, xp.divide(slope, beta, slope if slope.ndim else None), grad_output)


@shared_kernel
def elementwise_soft_margin(xp: Any, input: Any, target: Any) -> Any:
    losses = xp.multiply(xp.negative(target), input)
    if not losses.ndim:
        return xp.log1p(xp.exp(losses))
    return xp.log1p(xp.exp(losses, losses), losses)


@shared_kernel
def elementwise_soft_margin_backward(xp: Any, grad_output: Any, input: Any, target: Any) -> Any:
    power = xp.exp(xp.negative(target) * input)
    slope = xp.divide(power, power + 1)
    return _times(xp, xp.multiply(slope, -target), grad_output)
