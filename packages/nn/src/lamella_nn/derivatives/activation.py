"""Derivatives of the networks' own activation functions, and of their fused derivatives."""

from __future__ import annotations

import math

from lamella_autograd import is_grad_enabled
from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, op_call
from lamella_autograd.restore import reused
from lamella_core.ops.activation import shrink_backward, sigmoid
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.elementary import tanh
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor
from lamella_nn.ops import activation as ops


def _mish_curvature(input: Tensor) -> Tensor:
    """The second derivative of mish, ``(1 - t^2) s (x (1 - s - 2 t s) + 2)``."""
    t = tanh(ops.softplus(input))
    s = sigmoid(input)
    bend = reused(1 - s, "sub", t * s * 2)
    bend = reused(reused(bend, "mul", input), "add", 2)
    slope = reused(reused(reused(t, "mul", t), "neg"), "add", 1)
    return reused(reused(slope, "mul", s), "mul", bend)


def _silu_curvature(input: Tensor) -> Tensor:
    """The second derivative of silu, ``s (1 - s) (x (1 - 2 s) + 2)``."""
    s = sigmoid(input)
    slope = reused(1 - s, "mul", s)
    bend = reused(reused(s, "mul", -2), "add", 1)
    bend = reused(reused(bend, "mul", input), "add", 2)
    return reused(slope, "mul", bend)


def _softplus_slope(
    grad: Tensor, grad_output: Tensor, input: Tensor, beta: float, threshold: float
) -> Tensor:
    s = sigmoid(input * beta)
    return keep_where(grad * grad_output * s * (1 - s) * beta, ~(input * beta >= threshold))


def _gated(grad: Tensor, input: Tensor, dim: int) -> Tensor:
    if not is_grad_enabled():
        return ops.gated_backward(grad, input, dim)
    first, second = input.chunk(2, dim)
    slope = sigmoid(second)
    return cat((grad * slope, grad * first * slope * (1 - slope)), dim)


derivative("gated", input=_gated)
derivative(
    "hardtanh",
    input=lambda grad, input, min_val, max_val: ops.hardtanh_backward(
        grad, input, min_val, max_val
    ),
)
derivative(
    "hardtanh_backward",
    grad_output=lambda grad, input, min_val, max_val: ops.hardtanh_backward(
        grad, input, min_val, max_val
    ),
)
derivative(
    "log_sigmoid", input=lambda grad, input: ops.softplus_backward(grad, input, -1.0, math.inf)
)
derivative(
    "softplus",
    input=lambda grad, input, beta, threshold: ops.softplus_backward(grad, input, beta, threshold),
)
derivative(
    "softplus_backward",
    grad_output=lambda grad, input, beta, threshold: ops.softplus_backward(
        grad, input, beta, threshold
    ),
    input=_softplus_slope,
)
derivative("silu", input=op_call("silu_backward", "grad", "input"))
derivative(
    "silu_backward",
    grad_output=lambda grad, input: ops.silu_backward(grad, conj(input)),
    input=lambda grad, grad_output, input: reused(
        conj(grad) * grad_output, "mul", conj(_silu_curvature(input))
    ),
)
derivative("mish", input=lambda grad, input: ops.mish_backward(grad, input))
derivative(
    "mish_backward",
    grad_output=lambda grad, input: ops.mish_backward(grad, input),
    input=lambda grad, grad_output, input: reused(
        grad * grad_output, "mul", _mish_curvature(input)
    ),
)
derivative("hardsigmoid", input=lambda grad, input: ops.hardsigmoid_backward(grad, input))
derivative(
    "hardsigmoid_backward",
    grad_output=lambda grad, input: ops.hardsigmoid_backward(grad, input),
)
derivative("hardswish", input=lambda grad, input: ops.hardswish_backward(grad, input))
derivative(
    "hardswish_backward",
    grad_output=lambda grad, input: ops.hardswish_backward(grad, input),
    input=lambda grad, grad_output, input: keep_where(
        grad * grad_output / 3, (input > -3) & (input < 3)
    ),
)
derivative("softshrink", input=lambda grad, input, lambd: shrink_backward(grad, input, lambd))
