"""Derivatives of forms linear in each of three tensors, which are such forms again."""

from __future__ import annotations

from lamella_autograd import derivative, node_name
from lamella_nn.ops.bilinear import bilinear_form, bilinear_side, bilinear_weight

derivative(
    "bilinear_form",
    left=lambda grad, right, weight: bilinear_side(grad, right.conj(), weight.mT.conj()),
    right=lambda grad, left, weight: bilinear_side(grad, left.conj(), weight.conj()),
    weight=lambda grad, left, right: bilinear_weight(grad, left.conj(), right.conj()),
)
derivative(
    "bilinear_side",
    grad_output=lambda grad, side, weight: bilinear_form(side.conj(), grad, weight.conj()),
    side=lambda grad, grad_output, weight: bilinear_side(
        grad_output.conj(), grad, weight.mT.conj()
    ),
    weight=lambda grad, grad_output, side: bilinear_weight(grad_output.conj(), side.conj(), grad),
)
derivative(
    "bilinear_weight",
    grad_output=lambda grad, left, right: bilinear_form(left.conj(), right.conj(), grad),
    left=lambda grad, grad_output, right: bilinear_side(grad_output.conj(), right.conj(), grad.mT),
    right=lambda grad, grad_output, left: bilinear_side(grad_output.conj(), left.conj(), grad),
)
node_name("bilinear_form", "TrilinearBackward0")
