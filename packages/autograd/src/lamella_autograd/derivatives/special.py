"""Derivatives of the special functions."""

from __future__ import annotations

import math
from typing import Any

from lamella_autograd.formulas import derivative
from lamella_core.ops import special as ops
from lamella_core.ops.arithmetic import keep_where, sgn
from lamella_core.ops.elementary import exp, log, log1p
from lamella_core.ops.operators import mul
from lamella_core.tensor import Tensor

TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def _i1(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    at_zero = input == 0
    slope = ops.i0(input) - keep_where(result / input.masked_fill(at_zero, 1), ~at_zero)
    return grad * (slope - mul(at_zero, 0.5))


def _i1e(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    at_zero = input == 0
    rest = keep_where(result * (sgn(input) + 1 / input.masked_fill(at_zero, 1)), ~at_zero)
    return grad * (ops.i0e(input) - rest - mul(at_zero, 0.5))


def _igamma_other(grad: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return grad * exp((input - 1) * log(other) - other - ops.lgamma(input))


def _xlog1py_input(grad: Tensor, input: Any, other: Any) -> Tensor:
    if not isinstance(other, Tensor):
        return grad * (math.log1p(other) if other > -1 else math.nan)
    return grad * keep_where(log1p(other), ~((input == 0) & (other <= -1)))


derivative("erf", input=lambda grad, input: grad * exp(-(input * input)) * TWO_BY_ROOT_PI)
derivative("erfc", input=lambda grad, input: grad * exp(-(input * input)) * -TWO_BY_ROOT_PI)
derivative("erfinv", input=lambda grad, result: grad * exp(result * result) / TWO_BY_ROOT_PI)
derivative("erfcx", input=lambda grad, input, result: grad * (input * result * 2 - TWO_BY_ROOT_PI))
derivative("lgamma", input=lambda grad, input: grad * ops.digamma(input))
derivative("digamma", input=lambda grad, input: grad * ops.polygamma(1, input))
derivative("polygamma", input=lambda grad, input, n: grad * ops.polygamma(n + 1, input))
derivative("i0", input=lambda grad, input: grad * ops.i1(input))
derivative("i0e", input=lambda grad, input, result: grad * (ops.i1e(input) - sgn(input) * result))
derivative("i1", input=_i1)
derivative("i1e", input=_i1e)
derivative("ndtr", input=lambda grad, input: grad * exp(input * input * -0.5) / ROOT_TWO_PI)
derivative("ndtri", input=lambda grad, result: grad * exp(result * result * 0.5) * ROOT_TWO_PI)
derivative(
    "log_ndtr",
    input=lambda grad, input: grad / ops.erfcx(input * -math.sqrt(0.5)) * math.sqrt(2 / math.pi),
)
derivative("entr", input=lambda grad, input: grad * (-log(input) - 1))
derivative("igamma", other=_igamma_other)
derivative("igammac", other=lambda grad, input, other: -_igamma_other(grad, input, other))
derivative("zeta", other=lambda grad, input, other: grad * -input * ops.zeta(input + 1.0, other))
derivative(
    "xlog1py",
    input=_xlog1py_input,
    other=lambda grad, input, other: grad * input / (other + 1),
)
