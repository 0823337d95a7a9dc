"""Derivatives of the elementary functions."""

from __future__ import annotations

import math

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, op_call
from lamella_core.ops.arithmetic import keep_where, rsqrt
from lamella_core.ops.elementary import cos, cosh, exp, exp2, log, sin, sinh, tanh_backward
from lamella_core.ops.operators import neg, reciprocal
from lamella_core.tensor import Tensor

LN2 = math.log(2)
LN10 = math.log(10)


def _acosh(grad: Tensor, input: Tensor) -> Tensor:
    if input._dtype.is_complex:
        # The root of the product would lie on the other branch where the real part is negative.
        return grad * conj(rsqrt(input + 1) * rsqrt(input - 1))
    return grad * rsqrt(input * input - 1)


def _over_square(side: Tensor, input: Tensor, other: Tensor) -> Tensor:
    """``side / (input^2 + other^2)``, 0 where both are 0."""
    square = input * input + other * other
    return side * reciprocal(square).masked_fill(square == 0, 0)


def _sinc(grad: Tensor, input: Tensor) -> Tensor:
    angle = input * math.pi
    square = angle * input
    slope = (cos(angle) * angle - sin(angle)) / square
    return keep_where(grad * conj(slope), square != 0)


def _xlogy_input(grad: Tensor, input: Tensor, other: Tensor | float) -> Tensor:
    if not isinstance(other, Tensor):
        other = grad.new_full((), other)
    return grad * keep_where(log(other), ~((input == 0) & (other <= 0)))


derivative("exp", input=op_call("mul", "grad", "result", conjugated="result"))
derivative("exp2", input=lambda grad, result: grad * conj(result * LN2))
derivative("expm1", input=lambda grad, result: grad * conj(result + 1))
derivative("log", input=lambda grad, input: grad / conj(input))
derivative("log2", input=lambda grad, input: grad / conj(input * LN2))
derivative("log10", input=lambda grad, input: grad / conj(input * LN10))
derivative("log1p", input=lambda grad, input: grad / conj(input + 1))
derivative("sin", input=lambda grad, input: grad * conj(cos(input)))
derivative("cos", input=lambda grad, input: grad * conj(neg(sin(input))))
derivative("tan", input=lambda grad, result: grad * conj(result * result + 1))
derivative("asin", input=lambda grad, input: grad * conj(rsqrt(1 - input * input)))
derivative("acos", input=lambda grad, input: neg(grad) * conj(rsqrt(1 - input * input)))
derivative("atan", input=lambda grad, input: grad / conj(input * input + 1))
derivative("sinh", input=lambda grad, input: grad * conj(cosh(input)))
derivative("cosh", input=lambda grad, input: grad * conj(sinh(input)))
derivative("tanh", input=op_call("tanh_backward", "grad", "result"))
derivative(
    "tanh_backward",
    grad_output=lambda grad, output: tanh_backward(grad, conj(output)),
    output=lambda grad, grad_output, output: conj(grad) * grad_output * conj(output) * -2,
)
derivative("asinh", input=lambda grad, input: grad * conj(rsqrt(input * input + 1)))
derivative("acosh", input=_acosh)
derivative("atanh", input=lambda grad, input: grad / conj(1 - input * input))
derivative(
    "atan2",
    input=lambda grad, input, other: grad * _over_square(other, input, other),
    other=lambda grad, input, other: grad * _over_square(neg(input), input, other),
)
derivative("sinc", input=_sinc)
derivative(
    "logaddexp",
    input=lambda grad, input, other: grad / conj(exp(other - input) + 1),
    other=lambda grad, input, other: grad / conj(exp(input - other) + 1),
)
derivative(
    "logaddexp2",
    input=lambda grad, input, other: grad / (exp2(other - input) + 1),
    other=lambda grad, input, other: grad / (exp2(input - other) + 1),
)
derivative(
    "xlogy",
    input=_xlogy_input,
    other=lambda grad, input, other: grad * input / other,
)
