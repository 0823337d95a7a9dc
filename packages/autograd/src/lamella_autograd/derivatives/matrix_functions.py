"""Derivative of the matrix exponential."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_core.ops.joining import cat
from lamella_core.ops.matrix_functions import matrix_exp
from lamella_core.tensor import Tensor


def _matrix_exp_input(grad: Tensor, A: Tensor) -> Tensor:
    # The exponential of [[X, E], [0, X]] holds the derivative at X along E in its corner
    # (R. Mathias, "A chain rule for matrix functions and applications", 1996).
    size = A._array.shape[-1]
    adjoint = A.mH
    above = cat([adjoint, grad], -1)
    below = cat([adjoint * 0, adjoint], -1)
    return matrix_exp(cat([above, below], -2))[..., :size, size:]


derivative("linalg_matrix_exp", A=_matrix_exp_input)
