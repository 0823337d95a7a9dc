"""The standard's extension for linear algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_array_api.adapting import of_two
from lamella_array_api.data_types import common
from lamella_array_api.statistics import sum
from lamella_core import linalg
from lamella_core.linalg import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    matrix_norm,
    matrix_power,
    matrix_rank,
    pinv,
    qr,
    slogdet,
    svd,
    svdvals,
)  # fmt: skip

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve",
    "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip

matmul, outer = of_two(core.matmul), of_two(core.outer)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Cross products of vectors of 3 elements along an axis."""
    return linalg.cross(*core.broadcast_tensors(*common(x1, x2)), dim=axis)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """A diagonal of matrices, as a view."""
    return x.diagonal(offset, -2, -1)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """Matrices transposed, as a view."""
    return x.mT


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """``X`` with ``x1 X = x2``; ``x2`` is a vector only when it has one dimension."""
    x1, x2 = common(x1, x2)
    if x2.ndim == 1:
        return linalg.solve(x1, x2.unsqueeze(-1)).squeeze(-1)
    return linalg.solve(x1, x2.reshape((1,) * (x1.ndim - x2.ndim) + tuple(x2.shape)))


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: Any = 2) -> Tensor:
    """Products summed over pairs of axes."""
    first, second = common(x1, x2)
    return core.tensordot(first, second, axes)


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of matrices."""
    return sum(x.diagonal(offset, -2, -1), axis=-1, dtype=dtype)


def vector_norm(
    x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """The norm of vectors along one axis or several, of all elements when None."""
    if axis == ():
        return linalg.vector_norm(x.unsqueeze(-1), ord, -1)
    return linalg.vector_norm(x, ord, axis, keepdims)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Dot products of vectors along an axis, the first conjugated."""
    first, second = common(x1, x2)
    products = first.conj() * second
    return products.sum(axis, dtype=products.dtype)
