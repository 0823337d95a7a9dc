"""Derivatives of forms linear in each of three tensors, which are such forms again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd import derivative, node_name
from lamella_nn.ops.bilinear import bilinear_form, bilinear_side, bilinear_weight

if TYPE_CHECKING:
    from lamella_core import Tensor

derivative(
    "bilinear_form",
    left=lambda grad, right, weight: bilinear_side(grad, right.conj(), weight.conj(), True),
    right=lambda grad, left, weight: bilinear_side(grad, left.conj(), weight.conj(), False),
    weight=lambda grad, left, right: bilinear_weight(grad, left.conj(), right.conj()),
)


def _in_order(one: Tensor, other: Tensor, of_left: bool) -> tuple[Tensor, Tensor]:
    """The left and the right side, of which the first is the one that was differentiated to."""
    return (one, other) if of_left else (other, one)


derivative(
    "bilinear_side",
    grad_output=lambda grad, side, weight, of_left: bilinear_form(
        *_in_order(grad, side.conj(), of_left), weight.conj()
    ),
    side=lambda grad, grad_output, weight, of_left: bilinear_side(
        grad_output.conj(), grad, weight.conj(), not of_left
    ),
    weight=lambda grad, grad_output, side, of_left: bilinear_weight(
        grad_output.conj(), *_in_order(grad, side.conj(), of_left)
    ),
)
derivative(
    "bilinear_weight",
    grad_output=lambda grad, left, right: bilinear_form(left.conj(), right.conj(), grad),
    left=lambda grad, grad_output, right: bilinear_side(
        grad_output.conj(), right.conj(), grad, True
    ),
    right=lambda grad, grad_output, left: bilinear_side(
        grad_output.conj(), left.conj(), grad, False
    ),
)
node_name("bilinear_form", "TrilinearBackward0")
