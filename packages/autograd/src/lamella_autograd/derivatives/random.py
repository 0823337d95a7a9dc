"""Derivatives of the random ops: samples do not depend on what was there before.

The mean and the spread that a sample is drawn with get the gradient zero, as in PyTorch; for a
gradient through the sample, write it as ``mean + std * randn(...)``.
"""

from __future__ import annotations

from lamella_autograd.formulas import derivative, non_differentiable
from lamella_core.tensor import Tensor


def _zeros(grad: Tensor, input_shape: tuple[int, ...]) -> Tensor:
    return grad.new_zeros(input_shape)


derivative("bernoulli", input=_zeros)
derivative("poisson", input=_zeros)
derivative(
    "normal",
    mean=lambda grad, mean_shape: grad.new_zeros(mean_shape),
    std=lambda grad, std_shape: grad.new_zeros(std_shape),
)
for _name in (
    "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_",
    "uniform_",
):  # fmt: skip
    derivative(_name, input=_zeros)
non_differentiable("multinomial")
