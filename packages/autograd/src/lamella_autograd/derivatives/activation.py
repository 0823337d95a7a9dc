"""Derivatives of activation functions, and of their fused derivatives."""

from __future__ import annotations

import math

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, op_call, pushforward
from lamella_autograd.modes import NO_GRAD
from lamella_autograd.restore import is_unseen
from lamella_core.conventions.common import LARGE
from lamella_core.dispatch import modes
from lamella_core.ops import activation as ops
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.elementary import exp, tanh
from lamella_core.ops.gathering import where
from lamella_core.ops.splitting import fill_in_parts
from lamella_core.tensor import Tensor


def _gelu_curvature(input: Tensor, approximate: str) -> Tensor:
    """The second derivative of gelu."""
    square = input * input
    if approximate == "none":
        density = exp(square * -0.5) * (1 / math.sqrt(2 * math.pi))
        return density * (2 - square)
    k, c = math.sqrt(2 / math.pi), 0.044715
    t = tanh((input + input * square * c) * k)
    slope = (square * (3 * c) + 1) * k
    bend = input * (6 * c * k)
    return (1 - t * t) * (slope - input * t * slope * slope + input * bend * 0.5)


def _softmax_slope(grad: Tensor, grad_output: Tensor, output: Tensor, dim: int) -> Tensor:
    """The gradient of ``softmax_backward`` by the result of softmax."""
    inner = (grad_output * output).sum(dim, keepdim=True)
    outer = (grad * output).sum(dim, keepdim=True)
    return grad * (grad_output - inner) - grad_output * outer


def _log_softmax_slope(grad: Tensor, grad_output: Tensor, output: Tensor, dim: int) -> Tensor:
    """The gradient of ``log_softmax_backward`` by the result of log-softmax."""
    return grad * exp(output) * grad_output.sum(dim, keepdim=True) * -1


def _elu_slope(
    grad: Tensor,
    grad_output: Tensor,
    input: Tensor,
    alpha: float,
    scale: float,
    input_scale: float,
) -> Tensor:
    bend = ops.elu_backward(grad * grad_output, input, alpha, scale, input_scale) * input_scale
    return keep_where(bend, ~(input >= 0))


def _logit_input(grad: Tensor, input: Tensor, eps: float | None) -> Tensor:
    if modes.bits & NO_GRAD:
        return ops.logit_backward(grad, input, eps)
    low, outside = (0.0, math.nan) if eps is None else (eps, 0.0)
    inside = (input >= low) & (input <= 1 - low)
    return where(inside, grad / (input * (1 - input)), outside)


def _prelu_input(grad: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    """At 0 the slope is the weight, but in derivatives of the slope it counts as 1."""
    if modes.bits & NO_GRAD:
        if not is_unseen() or input._array.size <= LARGE:
            return where(input > 0, grad, grad * weight)
        result = grad * weight
        chosen = lambda own, given, x: where(x > 0, given, own)  # noqa: E731
        return fill_in_parts(result, _rows(input), chosen, result, grad, input)
    right = input >= 0
    at_zero = keep_where(grad * (weight - 1), input == 0).detach()
    return keep_where(grad, right) + keep_where(grad * weight, ~right) + at_zero


def _rows(input: Tensor) -> int:
    """How many rows of a large tensor are taken at a time."""
    return max(LARGE * len(input) // input._array.size, 1)


def _prelu_weight(grad: Tensor, input: Tensor) -> Tensor:
    product = grad * input
    if not is_unseen() or input._array.size <= LARGE:
        return product.masked_fill_(input >= 0, 0)
    step = _rows(input)
    for part, given in zip(product.split(step), input.split(step), strict=True):
        part.masked_fill_(given >= 0, 0)
    return product


# ------------ hinges

derivative("relu", input=lambda grad, result: ops.threshold_backward(grad, result, 0))
derivative(
    "threshold",
    input=lambda grad, input, threshold: ops.threshold_backward(grad, input, threshold),
)
derivative(
    "threshold_backward",
    grad_output=lambda grad, input, threshold: ops.threshold_backward(grad, input, threshold),
)
derivative(
    "leaky_relu",
    input=lambda grad, input, negative_slope: ops.leaky_relu_backward(grad, input, negative_slope),
)
derivative(
    "leaky_relu_backward",
    grad_output=lambda grad, input, negative_slope: ops.leaky_relu_backward(
        grad, input, negative_slope
    ),
)
derivative(
    "prelu",
    input=_prelu_input,
    weight=_prelu_weight,
)

# ------------ exponentials

derivative("sigmoid", input=op_call("sigmoid_backward", "grad", "result"))
derivative(
    "sigmoid_backward",
    grad_output=lambda grad, output: ops.sigmoid_backward(grad, conj(output)),
    output=lambda grad, grad_output, output: conj(grad) * grad_output * conj(1 - output * 2),
)
derivative("logit", input=_logit_input)
derivative(
    "elu",
    input=lambda grad, input, alpha, scale, input_scale: ops.elu_backward(
        grad, input, alpha, scale, input_scale
    ),
)
derivative(
    "elu_backward",
    grad_output=lambda grad, input, alpha, scale, input_scale: ops.elu_backward(
        grad, input, alpha, scale, input_scale
    ),
    input=_elu_slope,
)
derivative(
    "gelu",
    input=lambda grad, input, approximate: ops.gelu_backward(grad, input, approximate=approximate),
)
derivative(
    "gelu_backward",
    grad_output=lambda grad, input, approximate: ops.gelu_backward(
        grad, input, approximate=approximate
    ),
    input=lambda grad, grad_output, input, approximate: (
        grad * grad_output * _gelu_curvature(input, approximate)
    ),
)

# ------------ shrinking

derivative("hardshrink", input=lambda grad, input, lambd: ops.shrink_backward(grad, input, lambd))
derivative(
    "shrink_backward",
    grad_output=lambda grad, input, lambd: ops.shrink_backward(grad, input, lambd),
)

# ------------ softmax


@pushforward("softmax")
def _softmax_forward(tangent: Tensor, result: Tensor, input: Tensor, dim: int) -> Tensor:
    """The Jacobian is symmetric."""
    return ops.softmax_backward(tangent, result, dim)


@pushforward("log_softmax")
def _log_softmax_forward(tangent: Tensor, result: Tensor, input: Tensor, dim: int) -> Tensor:
    return tangent - (tangent * exp(result)).sum(dim, keepdim=True)


derivative("softmax", input=lambda grad, result, dim: ops.softmax_backward(grad, result, dim))
derivative(
    "softmax_backward",
    grad_output=lambda grad, output, dim: ops.softmax_backward(grad, output, dim),
    output=_softmax_slope,
)
derivative(
    "log_softmax", input=lambda grad, result, dim: ops.log_softmax_backward(grad, result, dim)
)
derivative(
    "log_softmax_backward",
    grad_output=lambda grad, output, dim: grad - (grad * exp(output)).sum(dim, keepdim=True),
    output=_log_softmax_slope,
)
