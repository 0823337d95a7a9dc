"""Derivatives of the arithmetic operators."""

from __future__ import annotations

from typing import Any

from lamella_autograd.formulas import conj, derivative, op_call, unchanged
from lamella_autograd.modes import NO_GRAD
from lamella_autograd.restore import is_unseen, reused
from lamella_core.dispatch import modes
from lamella_core.ops.arithmetic import keep_where, sgn
from lamella_core.ops.complex_parts import real
from lamella_core.ops.elementary import log
from lamella_core.ops.operators import mul, neg, pow
from lamella_core.tensor import Tensor


def pow_input(grad: Tensor, input: Any, exponent: Any) -> Tensor:
    """``grad * exponent * input ** (exponent - 1)``, 0 where the exponent is 0."""
    if not isinstance(exponent, Tensor):
        if exponent == 0:
            return grad.new_zeros(grad._array.shape)
        # Recorded, the slope keeps its power, so that each derivative is one of a power again.
        if exponent == 2 and modes.bits & NO_GRAD:
            return mul(grad, mul(conj(input), 2))
        return mul(grad, conj(mul(pow(input, exponent - 1), exponent)))
    slope = mul(exponent, pow(input, exponent - 1))
    return keep_where(mul(grad, conj(slope)), exponent != 0)


def pow_exponent(grad: Tensor, input: Any, exponent: Any, result: Tensor) -> Tensor:
    """``grad * result * log(input)``, 0 where the base is 0 and the exponent positive or 0."""
    if not isinstance(input, Tensor):
        nonzero = input != 0
        input = exponent.new_full((), input).to(result._dtype)
        if nonzero:
            slope = mul(result, log(input))
            if is_unseen() and not result._dtype.is_complex:
                return slope.mul_(grad)
            return mul(grad, conj(slope))
    slope = mul(result, log(input))
    if exponent._dtype.is_complex:
        harmless = (input == 0) & (real(exponent) >= 0)
    else:
        harmless = (input == 0) & (exponent >= 0)
    return mul(grad, conj(keep_where(slope, ~harmless)))


def quotient_slope(grad: Tensor, own: Tensor) -> Tensor:
    """A remainder's gradient by the divisor, from the whole quotient, the formula's own."""
    return reused(reused(own, "mul", grad), "neg")


derivative("add", input=unchanged, other=unchanged)
derivative("sub", input=unchanged, other=op_call("neg", "grad"))
derivative("rsub", input=op_call("neg", "grad"), other=unchanged)
derivative(
    "mul",
    input=op_call("mul", "grad", "other", conjugated="other"),
    other=op_call("mul", "grad", "input", conjugated="input"),
)
derivative(
    "div",
    input=lambda grad, other: grad / conj(other),
    other=lambda grad, input, other: neg(grad) * conj(input / other / other),
)
derivative(
    "remainder",
    input=lambda grad: grad,
    other=lambda grad, input, other: quotient_slope(grad, input // other),
)
derivative("pow", input=pow_input, exponent=pow_exponent)
derivative("neg", input=op_call("neg", "grad"))
derivative("abs", input=lambda grad, input: grad * sgn(input))
derivative("reciprocal", input=lambda grad, result: neg(grad) * conj(result * result))
