"""Derivative of dropout: the noise that multiplied the input multiplies the gradient."""

from __future__ import annotations

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative

derivative(
    "dropout_noise",
    input=lambda grads, results: None if grads[0] is None else grads[0] * conj(results[1]),
)
