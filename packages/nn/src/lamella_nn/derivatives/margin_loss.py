"""Derivatives of the losses on margins, the first and the second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import derivative
from lamella_core.ops.arithmetic import keep_where
from lamella_nn.ops import margin_loss as ops

if TYPE_CHECKING:
    from lamella_core import Tensor


def _multi_margin_curvature(
    grad: Tensor,
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    p: int,
    margin: float,
) -> Tensor:
    if p == 1:
        return core.zeros_like(input)
    chosen = target.unsqueeze(1)
    factor = grad_output * (2 / max(input._array.shape[1], 1))
    if weight is not None:
        factor = factor * weight[target]
    slope = (grad - grad.gather(1, chosen)) * factor.unsqueeze(1)
    slope = keep_where(slope, margin - input.gather(1, chosen) + input > 0)
    return slope.scatter_add(1, chosen, -slope.sum(1, True))


derivative(
    "multi_margin",
    input=lambda grad, input, target, weight, p, margin: ops.multi_margin_backward(
        grad, input, target, weight, p, margin
    ),
)
derivative(
    "multi_margin_backward",
    grad_output=lambda grad, grad_output, input, target, weight, p, margin: (
        grad
        * ops.multi_margin_backward(core.ones_like(grad_output), input, target, weight, p, margin)
    ).sum(1),
    input=_multi_margin_curvature,
)
derivative(
    "multilabel_margin",
    input=lambda grad, input, target: ops.multilabel_margin_backward(grad, input, target),
)
derivative(
    "multilabel_margin_backward",
    grad_output=lambda grad, grad_output, input, target: (
        grad * ops.multilabel_margin_backward(core.ones_like(grad_output), input, target)
    ).sum(1),
    input=lambda input: core.zeros_like(input),
)
