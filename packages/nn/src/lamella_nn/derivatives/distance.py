"""Derivative of Euclidean distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd import derivative
from lamella_autograd.derivatives.matrices import of_shape
from lamella_autograd.restore import reused

if TYPE_CHECKING:
    from lamella_core import Tensor


def _weights(grad: Tensor, result: Tensor) -> Tensor:
    """``grad / distance``, 0 where the distance is."""
    return reused(grad / result, "masked_fill", result == 0, 0)


def _x1(grad: Tensor, x1: Tensor, x2: Tensor, result: Tensor) -> Tensor:
    weights = _weights(grad, result)
    product = weights @ x2
    sums = weights.sum(-1, keepdim=True)
    del weights
    return of_shape(reused(x1 * sums, "sub", product), x1._array.shape)


def _x2(grad: Tensor, x1: Tensor, x2: Tensor, result: Tensor) -> Tensor:
    return _x1(grad.mT, x2, x1, result.mT)


derivative("euclidean_distances", x1=_x1, x2=_x2)
