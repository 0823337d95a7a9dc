"""What the derivatives of the matrix ops have in common."""

from __future__ import annotations

from lamella_autograd.restore import is_unseen, sum_to_shape
from lamella_core.ops.creation import eye
from lamella_core.tensor import Tensor


def of_shape(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The gradient of an operand whose batch dimensions were broadcast."""
    return grad if grad._array.shape == shape else sum_to_shape(grad, shape)


def diagonal_of(matrix: Tensor) -> Tensor:
    """The diagonals of the matrices in the last two dimensions."""
    return matrix.diagonal(dim1=-2, dim2=-1)


def identity_like(matrix: Tensor) -> Tensor:
    """The identity matrix of the size, type and device of square matrices."""
    return eye(matrix._array.shape[-1], dtype=matrix._dtype, device=matrix.device)


def off_diagonal_over(matrix: Tensor, gaps: Tensor) -> Tensor:
    """``matrix / gaps`` with 0 on the diagonal, where the gaps are 0, and may be overwritten."""
    if is_unseen():
        diagonal_of(gaps).fill_(1)
        quotient = matrix / gaps
        diagonal_of(quotient).zero_()
        return quotient
    ones = identity_like(gaps)
    return (matrix / (gaps + ones)) * (1 - ones)


def gaps_of(values: Tensor) -> Tensor:
    """``values_j - values_i`` in row ``i`` and column ``j``."""
    return values.unsqueeze(-2) - values.unsqueeze(-1)
