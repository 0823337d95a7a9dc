"""Derivatives of resampling, which is linear: each is the adjoint of the other."""

from __future__ import annotations

from lamella_autograd import derivative
from lamella_nn.ops.resampling import resample, resample_backward

derivative(
    "resample",
    input=lambda grad, input_shape, dim, places, shares: resample_backward(
        grad, dim, input_shape[dim], places, shares
    ),
)
derivative(
    "resample_backward",
    input=lambda grad, dim, places, shares: resample(grad, dim, places, shares),
)
