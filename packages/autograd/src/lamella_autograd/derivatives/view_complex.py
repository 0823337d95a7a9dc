"""Derivatives of the views of complex elements."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_core.ops.creation import complex
from lamella_core.ops.view_complex import view_as_complex, view_as_real

# The engine turns a real gradient of a complex argument into a complex one.
derivative("real", input=lambda grad: grad)
derivative("imag", input=lambda grad: complex(grad.new_zeros(grad.shape), grad))
derivative("view_as_real", input=lambda grad: view_as_complex(grad.contiguous()))
derivative("view_as_complex", input=lambda grad: view_as_real(grad))
