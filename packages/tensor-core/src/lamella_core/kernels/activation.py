"""Array kernels of activation functions."""

from __future__ import annotations

import math
from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.arithmetic import drop_where
from lamella_core.kernels.reduction import extremum, sum
from lamella_core.offers import offers, room


def own(array: Any) -> Any:
    # ``out=`` for writing over an array of one's own; NumPy's scalars cannot be written to.
    return array if array.ndim else None


# ------------ hinges


@shared_kernel
def relu(xp: Any, input: Any, out: Any = None) -> Any:
    # Of two zeros the second is taken: -0.0 stays, as in PyTorch.
    return xp.maximum(0, input, out=out)


@shared_kernel
def threshold(xp: Any, input: Any, threshold: float, value: float) -> Any:
    return xp.where(input <= threshold, input.dtype.type(value), input)


@shared_kernel
def threshold_backward(xp: Any, grad: Any, input: Any, threshold: float) -> Any:
    return drop_where(xp, grad, input <= threshold)


@shared_kernel
def leaky_relu(xp: Any, input: Any, negative_slope: float) -> Any:
    if 0 < negative_slope <= 1:
        return xp.maximum(input, input * negative_slope)
    return xp.where(input > 0, input, input * negative_slope)


@shared_kernel
def leaky_relu_backward(xp: Any, grad: Any, input: Any, negative_slope: float) -> Any:
    return xp.where(input > 0, grad, grad * negative_slope)


@shared_kernel
def prelu(xp: Any, input: Any, weight: Any) -> Any:
    return xp.where(input > 0, input, weight * input)


# ------------ exponentials


@shared_kernel
def sigmoid(xp: Any, input: Any, out: Any = None) -> Any:
    result = xp.negative(input, out)
    if not result.ndim:
        return 1 / (1 + xp.exp(result))
    xp.exp(result, result)
    xp.add(result, 1, result)
    return xp.reciprocal(result, result)


@shared_kernel
def sigmoid_backward(xp: Any, grad: Any, result: Any) -> Any:
    if result.dtype.kind == "c":
        result = xp.conjugate(result)
    slope = xp.subtract(1, result)
    slope = xp.multiply(slope, result, own(slope))
    return xp.multiply(slope, grad, own(slope) if grad.shape == slope.shape else None)


@shared_kernel
def logit(xp: Any, input: Any, eps: float | None) -> Any:
    if eps is not None:
        input = xp.minimum(xp.maximum(input, eps), 1 - eps)
    return xp.log(input / (1 - input))


@shared_kernel
def logit_backward(xp: Any, grad: Any, input: Any, eps: float | None) -> Any:
    low, outside = (0.0, math.nan) if eps is None else (eps, 0.0)
    beyond = (input < low) | (input > 1 - low)
    return xp.where(beyond, grad.dtype.type(outside), grad / (input * (1 - input)))


@shared_kernel
def elu(xp: Any, input: Any, alpha: float, scale: float, input_scale: float) -> Any:
    below = xp.expm1(xp.minimum(0, input) * input_scale) * (alpha * scale)
    return xp.where(input > 0, input if scale == 1 else input * scale, below)


@shared_kernel
def elu_backward(
    xp: Any, grad: Any, input: Any, alpha: float, scale: float, input_scale: float
) -> Any:
    below = xp.exp(xp.minimum(input, 0) * input_scale) * (alpha * scale * input_scale)
    return grad * xp.where(input > 0, input.dtype.type(scale), below)


def gelu_tanh(xp: Any, input: Any, approximate: str) -> Any:
    # gelu by tanh; the exact form needs the error function: see ``special.py``.
    check_gelu_form(approximate)
    return 0.5 * input * (1 + xp.tanh(_gelu_argument(input)))


def gelu_tanh_backward(xp: Any, grad: Any, input: Any, approximate: str) -> Any:
    # The gradient of :func:`gelu_tanh`.
    check_gelu_form(approximate)
    half = xp.tanh(_gelu_argument(input))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * GELU_CUBIC * input * input)
    return grad * (0.5 * (1 + half) + 0.5 * input * (1 - half * half) * inner)


GELU_CUBIC = 0.044715


def _gelu_argument(input: Any) -> Any:
    return math.sqrt(2 / math.pi) * (input + GELU_CUBIC * input * input * input)


def check_gelu_form(approximate: str) -> None:
    # Raise for a form other than that by tanh; the exact one is another kernel's.
    if approximate != "tanh":
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")


# ------------ shrinking


@shared_kernel
def hardshrink(xp: Any, input: Any, lambd: float) -> Any:
    return drop_where(xp, input, ((input >= -lambd) & (input <= lambd)))


@shared_kernel
def shrink_backward(xp: Any, grad: Any, input: Any, lambd: float) -> Any:
    return drop_where(xp, grad, ((input >= -lambd) & (input <= lambd)))


# ------------ softmax


@shared_kernel
def softmax(xp: Any, input: Any, dim: int) -> Any:
    if not input.size:
        return input.copy()
    axis = dim if input.ndim else None
    result = room(xp, input.shape, input.dtype) if offers else xp.empty(input.shape, input.dtype)
    xp.subtract(input, extremum(xp, "max", input, axis, True), result)
    xp.exp(result, result)
    return xp.divide(result, sum(xp, result, axis, True), result)


@shared_kernel
def softmax_backward(xp: Any, grad: Any, result: Any, dim: int) -> Any:
    product = grad * result
    if not result.ndim:
        return product - result * product
    product -= result * xp.add.reduce(product, dim, None, None, True)
    return product


@shared_kernel
def log_softmax(xp: Any, input: Any, dim: int) -> Any:
    if not input.size:
        return input.copy()
    axis = dim if input.ndim else None
    given = input.dtype
    if given.itemsize == 2:
        input = input.astype(xp.float32)
    result = xp.empty(input.shape, input.dtype)
    xp.subtract(input, extremum(xp, "max", input, axis, True), result)
    total = sum(xp, xp.exp(result), axis, True)
    if given.itemsize == 2 and dim == input.ndim - 1:
        # Along the last dimension, and only there, PyTorch rounds the sum and its logarithm.
        total = xp.log(total.astype(given).astype(xp.float32)).astype(given)
        result -= total.astype(xp.float32)
    else:
        result -= xp.log(total)
    return result.astype(given, copy=False)


@shared_kernel
def log_softmax_backward(xp: Any, grad: Any, result: Any, dim: int) -> Any:
    total = xp.add.reduce(grad, dim if grad.ndim else None, None, None, True)
    share = xp.exp(result)
    share = xp.multiply(share, total, own(share))
    return xp.subtract(grad, share, own(share))
