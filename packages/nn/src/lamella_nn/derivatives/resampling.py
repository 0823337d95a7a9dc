"""The derivative of resampling, which is resampling with the roles of its ends exchanged."""

from __future__ import annotations

from lamella_autograd import derivative, non_differentiable
from lamella_nn.ops.resampling import resample

derivative(
    "resample",
    input=lambda grad, axes: resample(grad, [axis.turn() for axis in axes]),
)
non_differentiable("resample_bytes")
