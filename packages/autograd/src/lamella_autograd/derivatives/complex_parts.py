"""Derivatives of complex numbers of their parts, and of the views of the parts."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import sum_to_shape
from lamella_core.ops.complex_parts import complex, imag, real, view_as_complex, view_as_real
from lamella_core.ops.elementary import cos, sin

derivative(
    "complex",
    real=lambda grad, real_shape: sum_to_shape(real(grad), real_shape),
    imag=lambda grad, imag_shape: sum_to_shape(imag(grad), imag_shape),
    once=True,
)
derivative(
    "polar",
    abs=lambda grad, angle, abs_shape: sum_to_shape(
        real(grad) * cos(angle) + imag(grad) * sin(angle), abs_shape
    ),
    angle=lambda grad, abs, angle, angle_shape: sum_to_shape(
        (imag(grad) * cos(angle) - real(grad) * sin(angle)) * abs, angle_shape
    ),
)
# The engine turns a real gradient of a complex argument into a complex one.
derivative("real", input=lambda grad: grad)
derivative("imag", input=lambda grad: complex(grad.new_zeros(()), grad))
derivative("view_as_real", input=lambda grad: view_as_complex(grad.contiguous()))
derivative("view_as_complex", input=lambda grad: view_as_real(grad))
