"""Derivatives of the losses on class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import derivative, node_name
from lamella_nn.ops.loss import (
    cross_entropy_index_backward,
    nll_loss_index,
    nll_loss_index_backward,
)

if TYPE_CHECKING:
    from lamella_core import Tensor


def _cross_entropy(
    grads: Any,
    results: Any,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Tensor:
    _, probabilities, total = results
    to_loss, to_probabilities = grads[0], grads[1]
    gradient: Any = None
    if to_loss is not None:
        gradient = cross_entropy_index_backward(
            to_loss, probabilities, target, weight, total, reduction, ignore_index, label_smoothing
        )
    if to_probabilities is not None:
        # Only a second derivative comes this way: the probabilities are not handed out.
        dim = 1 if probabilities.ndim > 1 else 0
        mean = (to_probabilities * probabilities).sum(dim, True)
        through = probabilities * (to_probabilities - mean)
        gradient = through if gradient is None else gradient + through
    return gradient


def _cross_entropy_backward(
    grad: Tensor,
    grad_output: Tensor,
    probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    total: Tensor,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
    needs: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    rest = (target, weight, total, reduction, ignore_index, label_smoothing)
    to_grad = to_probabilities = None
    if needs[0]:
        one = core.ones_like(grad_output)
        products = grad * cross_entropy_index_backward(one, probabilities, *rest)
        to_grad = products.sum() if reduction != "none" else products.sum(min(1, grad.ndim - 1))
    if needs[1]:
        # The gradient is affine in the probabilities, factor * p - constant.
        ones, zeros = core.ones_like(probabilities), core.zeros_like(probabilities)
        factor = cross_entropy_index_backward(
            grad_output, ones, *rest
        ) - cross_entropy_index_backward(grad_output, zeros, *rest)
        to_probabilities = grad * factor
    return to_grad, to_probabilities


derivative("cross_entropy_index", input=_cross_entropy, keeps=(1, 2))
derivative(
    "cross_entropy_index_backward",
    joint=("grad_output", "probabilities"),
    compute=_cross_entropy_backward,
)


def _nll_loss(
    grads: Any,
    results: Any,
    target: Tensor,
    weight: Tensor | None,
    input_shape: Any,
    reduction: str,
    ignore_index: int,
) -> Tensor | None:
    if grads[0] is None:
        # Only the sum of weights was used, which no input changes.
        return None
    return nll_loss_index_backward(
        grads[0], target, weight, results[1], tuple(input_shape), reduction, ignore_index
    )


derivative("nll_loss_index", input=_nll_loss, keeps=(1,))
derivative(
    "nll_loss_index_backward",
    grad_output=lambda grad, target, weight, reduction, ignore_index: nll_loss_index(
        grad, target, weight, reduction, ignore_index
    )[0],
)

# PyTorch has an op for places beside the one for rows.


def _nll_loss_name(ndim: int, reduction: str) -> str:
    if ndim not in (1, 2, 4) and reduction == "none":
        return "ViewBackward0"
    return f"NllLoss{'' if ndim < 3 else '2D'}Backward0"


node_name(
    "nll_loss_index",
    lambda node: _nll_loss_name(len(node._input_shape), node._kept_reduction),
)
node_name(
    "cross_entropy_index",
    lambda node: (
        "AddBackward0"
        if node._kept_label_smoothing
        else _nll_loss_name(getattr(node._kept_target, "ndim", 1) + 1, node._kept_reduction)
    ),
)
