"""Derivatives of the special functions."""

from __future__ import annotations

import math
from typing import Any

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import reused
from lamella_core.ops import special as ops
from lamella_core.ops.arithmetic import keep_where, sgn
from lamella_core.ops.elementary import exp, log, log1p
from lamella_core.ops.gathering import where
from lamella_core.tensor import Tensor
from lamella_core.type_info import finfo

TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def _away_from_zero(input: Tensor) -> Tensor:
    """Where the rule for the slope of ``i1`` holds; elsewhere, at NaN too, it counts as 1/2."""
    return input.abs() > finfo(input._dtype).eps


def _i1(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    away = _away_from_zero(input)
    safe = input.masked_fill(~away, 1)
    return grad * where(away, ops.i0(safe) - result / safe, 0.5)


def _i1e(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    away = _away_from_zero(input)
    safe = input.masked_fill(~away, 1)
    return grad * where(away, ops.i0e(safe) - result * (sgn(input) + 1 / safe), 0.5)


def _igamma_other(grad: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return grad * exp((input - 1) * log(other) - other - ops.lgamma(input))


def _mvlgamma(grad: Tensor, input: Tensor, p: int) -> Tensor:
    slope = ops.digamma(input)
    for j in range(1, p):
        slope = reused(slope, "add", ops.digamma(input - j / 2))
    return reused(slope, "mul", grad)


def _xlog1py_input(grad: Tensor, input: Any, other: Any) -> Tensor:
    if not isinstance(other, Tensor):
        other = grad.new_full((), other)
    return grad * keep_where(log1p(other), ~((input == 0) & (other <= -1)))


derivative("erf", input=lambda grad, input: grad * exp(-(input * input)) * TWO_BY_ROOT_PI)
derivative("erfc", input=lambda grad, input: grad * exp(-(input * input)) * -TWO_BY_ROOT_PI)
derivative("erfinv", input=lambda grad, result: grad * exp(result * result) / TWO_BY_ROOT_PI)
derivative("erfcx", input=lambda grad, input, result: grad * (input * result * 2 - TWO_BY_ROOT_PI))
derivative("lgamma", input=lambda grad, input: grad * ops.digamma(input))
derivative("digamma", input=lambda grad, input: grad * ops.polygamma(1, input))
derivative("mvlgamma", input=_mvlgamma)
derivative("polygamma", input=lambda grad, input, n: grad * ops.polygamma(n + 1, input))
derivative("i0", input=lambda grad, input: grad * ops.i1(input))
derivative("i0e", input=lambda grad, input, result: grad * (ops.i1e(input) - sgn(input) * result))
derivative("i1", input=_i1)
derivative("i1e", input=_i1e)
derivative("ndtr", input=lambda grad, input: grad * exp(input * input * -0.5) / ROOT_TWO_PI)
derivative("ndtri", input=lambda grad, result: grad * exp(result * result * 0.5) * ROOT_TWO_PI)
derivative(
    "log_ndtr",
    input=lambda grad, input, result: grad * exp(input * input * -0.5 - result) / ROOT_TWO_PI,
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
