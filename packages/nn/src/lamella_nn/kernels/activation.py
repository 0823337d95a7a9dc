"""Array kernels of activation functions that are the networks' alone."""

from __future__ import annotations

from typing import Any

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.activation import own, sigmoid
from lamella_core.kernels.arithmetic import drop_where
from lamella_core.kernels.extrema import clamp
from lamella_nn.kernels.precision import put, single


@shared_kernel
def hardtanh(xp: Any, input: Any, min_val: float, max_val: float, out: Any = None) -> Any:
    if input.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
        if input.dtype.kind == "u" and min_val < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return clamp(xp, input, min_val, max_val, out)


@shared_kernel
def hardtanh_backward(xp: Any, grad: Any, input: Any, min_val: float, max_val: float) -> Any:
    return drop_where(xp, grad, ((input <= min_val) | (input >= max_val)))


@shared_kernel
def log_sigmoid(xp: Any, input: Any) -> Any:
    return xp.minimum(input, 0) - xp.log1p(xp.exp(-xp.abs(input)))


@shared_kernel
def softplus(xp: Any, input: Any, beta: float, threshold: float) -> Any:
    scaled = input * beta
    return xp.where(scaled > threshold, input, xp.log1p(xp.exp(scaled)) / beta)


@shared_kernel
def softplus_backward(xp: Any, grad: Any, input: Any, beta: float, threshold: float) -> Any:
    scaled = input * beta
    return xp.where(scaled > threshold, grad, grad * sigmoid(xp, scaled))


@shared_kernel
def silu(xp: Any, input: Any) -> Any:
    slope = sigmoid(xp, input)
    return xp.multiply(slope, input, own(slope))


@shared_kernel
def silu_backward(xp: Any, grad: Any, input: Any) -> Any:
    if input.dtype.kind == "c":
        input = xp.conjugate(input)
    slope = sigmoid(xp, input)
    return grad * (slope * (1 + input * (1 - slope)))


@shared_kernel
def mish(xp: Any, input: Any) -> Any:
    return input * xp.tanh(xp.logaddexp(input, 0))


@shared_kernel
def mish_backward(xp: Any, grad: Any, input: Any) -> Any:
    gate = xp.tanh(xp.logaddexp(input, 0))
    return grad * (gate + input * sigmoid(xp, input) * (1 - gate * gate))


@shared_kernel
def softshrink(xp: Any, input: Any, lambd: float) -> Any:
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    nearest = xp.minimum(xp.maximum(input, -lambd), lambd)
    return input - nearest


@shared_kernel
def hardsigmoid(xp: Any, input: Any) -> Any:
    return xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@shared_kernel
def hardsigmoid_backward(xp: Any, grad: Any, input: Any) -> Any:
    return xp.where((input > -3) & (input < 3), grad / 6, grad.dtype.type(0))


@shared_kernel
def hardswish(xp: Any, input: Any) -> Any:
    # In PyTorch's order, which decides the last bit.
    return input * xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@shared_kernel
def hardswish_backward(xp: Any, grad: Any, input: Any) -> Any:
    inside = xp.where(input <= -3, grad.dtype.type(0), grad * (input / 3 + 0.5))
    return xp.where(input >= 3, grad, inside)


def gate(xp: Any, first: Any, second: Any) -> Any:
    """``a * sigmoid(b)``, of half precision in float32."""
    return single(first) * sigmoid(xp, single(second))


def gate_slope(xp: Any, grad: Any, first: Any, second: Any) -> Any:
    """The gradient of :func:`gate` to ``b``."""
    slope = sigmoid(xp, single(second))
    return single(grad) * single(first) * (slope * (1 - slope))


def halves(input: Any, dim: int) -> tuple[Any, Any]:
    """The two halves along a dimension that is counted from the last."""
    half, behind = input.shape[dim] // 2, (slice(None),) * (-1 - dim)
    return input[(..., slice(half), *behind)], input[(..., slice(half, None), *behind)]


@shared_kernel
def gated(xp: Any, input: Any, dim: int) -> Any:
    first, second = halves(input, dim)
    if input.dtype.itemsize == 2:
        return converted(gate(xp, first, second), input.dtype)
    result = sigmoid(xp, second)
    return xp.multiply(first, result, result)


@shared_kernel
def gated_backward(xp: Any, grad_output: Any, input: Any, dim: int) -> Any:
    result = xp.empty(input.shape, input.dtype)
    (first, second), (to_first, to_second) = halves(input, dim), halves(result, dim)
    if input.dtype.itemsize == 2:
        put(to_first, gate(xp, grad_output, second))
        put(to_second, gate_slope(xp, grad_output, first, second))
        return result
    # s, g s and (1 - s) g s a, one after the other, each in its place.
    sigmoid(xp, second, to_second)
    xp.multiply(grad_output, to_second, to_first)
    xp.subtract(1, to_second, to_second)
    xp.multiply(to_second, to_first, to_second)
    xp.multiply(to_second, first, to_second)
    return result
