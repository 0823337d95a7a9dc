"""Derivatives of the creation ops that take tensors."""

from __future__ import annotations

from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import sum_to_shape
from lamella_core.ops.view_complex import imag, real

derivative(
    "complex",
    real=lambda grad, real_shape: sum_to_shape(real(grad), real_shape),
    imag=lambda grad, imag_shape: sum_to_shape(imag(grad), imag_shape),
    once=True,
)
non_differentiable("made_after")
