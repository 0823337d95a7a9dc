"""The losses of single numbers, and their gradients to the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.pointwise import pointwise

if TYPE_CHECKING:
    from lamella_core import Tensor

_numbers = pointwise(refuses="bool integer complex", method=False, inplace=False)
# These round after each step in half precision, as PyTorch does.
_stepwise = pointwise(
    refuses="bool integer complex", method=False, inplace=False, reduced_precision=True
)


@_numbers
def elementwise_bce(input: Tensor, target: Tensor) -> Tensor:
    """``-(t log x + (1 - t) log(1 - x))`` with logarithms held above -100."""


@_numbers
def elementwise_bce_backward(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """``grad_output (x - t) / max(x (1 - x), 1e-12)``: the gradient to the input."""


@_stepwise
def elementwise_logit_bce(input: Tensor, target: Tensor, pos_weight: Tensor | None) -> Tensor:
    """``(1 - t) x - (1 + (p - 1) t) log(sigmoid(x))``, p being 1 where it is None."""


@_stepwise
def elementwise_logit_bce_backward(
    grad_output: Tensor, input: Tensor, target: Tensor, pos_weight: Tensor | None
) -> Tensor:
    """``grad_output ((p t + 1 - t) sigmoid(x) - p t)``: the gradient to the input."""


@_stepwise
def elementwise_mse(input: Tensor, target: Tensor) -> Tensor:
    """``(x - t)^2``."""


@_stepwise
def elementwise_mse_backward(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """``2 grad_output (x - t)``: the gradient to the input."""


@_numbers
def elementwise_huber(input: Tensor, target: Tensor, delta: float) -> Tensor:
    """``d^2 / 2`` where ``d = |x - t| <= delta``, ``delta (d - delta / 2)`` elsewhere."""


@_numbers
def elementwise_huber_backward(
    grad_output: Tensor, input: Tensor, target: Tensor, delta: float
) -> Tensor:
    """``grad_output (x - t)``, the difference held within ``delta``: the gradient to the input."""


@_numbers
def elementwise_smooth_l1(input: Tensor, target: Tensor, beta: float) -> Tensor:
    """``d^2 / (2 beta)`` where ``d = |x - t| < beta``, ``d - beta / 2`` elsewhere."""


@_numbers
def elementwise_smooth_l1_backward(
    grad_output: Tensor, input: Tensor, target: Tensor, beta: float
) -> Tensor:
    """``grad_output (x - t) / beta``, that quotient held within 1: the gradient to the input."""


@_stepwise
def elementwise_soft_margin(input: Tensor, target: Tensor) -> Tensor:
    """``log(1 + exp(-t x))``."""


@_stepwise
def elementwise_soft_margin_backward(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """``-grad_output t e / (1 + e)`` with ``e = exp(-t x)``: the gradient to the input."""
