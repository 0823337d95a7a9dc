"""Derivatives of padding: what was added is cut off, what was cut off gets zeros."""

from __future__ import annotations

from lamella_autograd import derivative
from lamella_nn.ops.padding import constant_pad_nd

derivative(
    "constant_pad_nd",
    input=lambda grad, pad: constant_pad_nd(grad, tuple([-n for n in pad]), 0),
)
