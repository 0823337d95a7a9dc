"""Derivatives of extrema and clamping: the gradient goes to the operand that was chosen.

Where ``maximum`` and ``minimum`` had a tie it is split evenly; an element that lies on the bound
it was clamped to counts as free.
"""

from __future__ import annotations

from typing import Any

from lamella_autograd.formulas import derivative
from lamella_autograd.modes import NO_GRAD
from lamella_core.dispatch import modes
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.operators import mul
from lamella_core.tensor import Tensor


def _chosen(grad: Tensor, lost: Tensor, tie: Tensor) -> Tensor:
    if modes.bits & NO_GRAD:
        return keep_where(grad, ~lost).sub_(keep_where(grad, tie).mul_(0.5))
    return keep_where(grad, ~lost) - keep_where(mul(grad, 0.5), tie)


def _clamp_input(grad: Tensor, input: Tensor, min: Any, max: Any) -> Tensor:
    if min is None:
        return keep_where(grad, input <= max)
    if max is None:
        return keep_where(grad, input >= min)
    return keep_where(grad, (input >= min) & (input <= max))


def _clamp_min(grad: Tensor, input: Tensor, min: Any, max: Any) -> Tensor:
    below = input < min
    return keep_where(grad, below if max is None else below & (min < max))


def _clamp_max(grad: Tensor, input: Tensor, min: Any, max: Any) -> Tensor:
    above = input > max
    return keep_where(grad, above if min is None else above | (min > max))


derivative(
    "maximum",
    input=lambda grad, input, other: _chosen(grad, input < other, input == other),
    other=lambda grad, input, other: _chosen(grad, other < input, input == other),
)
derivative(
    "minimum",
    input=lambda grad, input, other: _chosen(grad, input > other, input == other),
    other=lambda grad, input, other: _chosen(grad, other > input, input == other),
)
derivative(
    "fmax",
    input=lambda grad, input, other: keep_where(grad, (input >= other) | (other != other)),
    other=lambda grad, input, other: keep_where(grad, ~((input >= other) | (other != other))),
)
derivative(
    "fmin",
    input=lambda grad, input, other: keep_where(grad, (input <= other) | (other != other)),
    other=lambda grad, input, other: keep_where(grad, ~((input <= other) | (other != other))),
)
derivative("clamp", input=_clamp_input, min=_clamp_min, max=_clamp_max)
derivative(
    "clamp_min",
    input=lambda grad, input, min: keep_where(grad, input >= min),
    min=lambda grad, input, min: keep_where(grad, input < min),
)
derivative(
    "clamp_max",
    input=lambda grad, input, max: keep_where(grad, input <= max),
    max=lambda grad, input, max: keep_where(grad, input > max),
)
