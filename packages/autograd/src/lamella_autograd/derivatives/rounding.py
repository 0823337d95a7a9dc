"""Derivatives of rounding."""

from __future__ import annotations

import math

from lamella_autograd.derivatives.arithmetic import zeros
from lamella_autograd.formulas import derivative
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.operators import mul
from lamella_core.tensor import Tensor


def _finite(grad: Tensor, input: Tensor) -> Tensor:
    return keep_where(grad, (abs(input) != math.inf) & (input == input))


for _name in ("ceil", "floor", "trunc"):
    derivative(_name, input=zeros)
derivative("round", input=lambda grad, decimals: zeros(grad))
derivative("frac", input=lambda grad: grad)
derivative("nan_to_num", input=_finite)
derivative("deg2rad", input=lambda grad: mul(grad, math.pi / 180))
derivative("rad2deg", input=lambda grad: mul(grad, 180 / math.pi))
