"""Derivatives of copies, conversions and filling."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import sum_to_shape

# The engine brings a gradient to the type of its argument.
derivative("clone", input=lambda grad: grad)
derivative("to_dtype", input=lambda grad: grad)
derivative("to_device", input=lambda grad, source: grad.to(source))
# What was there before has no part in the result, but its gradient exists: zeros.
derivative(
    "copy",
    input=lambda grad: grad.new_zeros(grad.shape),
    src=lambda grad, src_shape: sum_to_shape(grad, src_shape),
)
derivative("fill", input=lambda grad: grad.new_zeros(grad.shape), value=lambda grad: grad.sum())
