"""Derivatives of the arithmetic functions."""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.elementary import LN2
from lamella_autograd.derivatives.operators import conj, quotient_slope
from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import SMALL, reused, sum_to_shape
from lamella_core.ops.arithmetic import div, keep_where, ldexp, scaled
from lamella_core.ops.complex_parts import real
from lamella_core.ops.operators import abs, neg
from lamella_core.tensor import Tensor


def zeros(grad: Tensor) -> Tensor:
    """The gradient of an op that is constant wherever it has a derivative."""
    return grad.new_zeros(grad._array.shape)


def _other_zeros(grad: Tensor, other_shape: tuple[int, ...]) -> Tensor:
    shape = grad._array.shape
    # Where the sum over what was broadcast follows, one number is enough.
    return zeros(grad) if shape == other_shape else grad.new_zeros(()).expand(shape)


def _lerp_input(grad: Tensor, weight: Any) -> Tensor:
    return grad * conj(1 - weight)


def _copysign_input(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    sign = result / input
    if sign._array.size <= SMALL:
        return grad * keep_where(sign, input != 0)
    return reused(reused(sign, "masked_fill", input == 0, 0), "mul", grad)


def _sgn_input(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    if not input._dtype.is_complex:
        return zeros(grad)
    along = real(conj(result) * grad)
    return keep_where((grad - along * result) / abs(input), input != 0)


def _angle_input(grad: Tensor, input: Tensor) -> Tensor:
    if not input._dtype.is_complex:
        return zeros(grad)
    size = abs(input)
    return keep_where(grad * input * 1j / (size * size), input != 0)


derivative("sqrt", input=lambda grad, result: grad / conj(result * 2))
derivative("rsqrt", input=lambda grad, result: grad * conj(result * result * result) * -0.5)
derivative("div_trunc", input=zeros, other=_other_zeros, once=True)
derivative("div_floor", input=zeros, other=_other_zeros, once=True)
derivative("scaled", input=lambda grad, factor, divides: scaled(grad, conj(factor), divides))
derivative(
    "fmod",
    input=lambda grad: grad,
    other=lambda grad, input, other: quotient_slope(grad, div(input, other, rounding_mode="trunc")),
)
derivative(
    "lerp",
    input=_lerp_input,
    end=lambda grad, weight: grad * conj(weight),
    weight=lambda grad, input, end: grad * conj(end - input),
)
derivative(
    "addcmul",
    input=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(tensor2 * value),
    tensor2=lambda grad, tensor1, value: grad * conj(tensor1 * value),
)
derivative(
    "addcdiv",
    input=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(value / tensor2),
    tensor2=lambda grad, tensor1, tensor2, value: (
        neg(grad) * conj(tensor1 * value / (tensor2 * tensor2))
    ),
)
derivative(
    "hypot",
    input=lambda grad, input, result: grad * (input / result),
    other=lambda grad, other, result: grad * (other / result),
)
derivative("ldexp", input=lambda grad, other: ldexp(grad, other))
derivative(
    "times_power",
    input=lambda grad, other: ldexp(grad, other),
    other=lambda grad, result: grad * conj(result * LN2),
)
derivative("frexp", input=lambda grads, results: grads[0] / 2.0 ** results[1], keeps=(1,))
derivative("copysign", input=_copysign_input, other=_other_zeros)
derivative("sign", input=zeros)
derivative("sgn", input=_sgn_input)
derivative("angle", input=_angle_input)
derivative("heaviside", input=zeros, values=lambda grad, input: keep_where(grad, input == 0))
derivative("conj_physical", input=lambda grad: conj(grad))
derivative(
    "keep_where",
    input=lambda grad, mask, input_shape: sum_to_shape(keep_where(grad, mask), input_shape),
)
non_differentiable("floor_divide", "gcd", "lcm", "signbit")
derivative(
    "nextafter",
    input=lambda grad, input, other: keep_where(grad, input != other),
    other=_other_zeros,
)
