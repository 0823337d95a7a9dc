"""Products of sparse matrices."""

from __future__ import annotations

from typing import Any

import lamella_core as core
from lamella_autograd import rename
from lamella_core.tensor import Tensor
from lamella_sparse.conversion import coo_coalesce
from lamella_sparse.coordinates import joined
from lamella_sparse.layer import SparseTensor, make, on_tensors


def product(input: Tensor, other: Tensor) -> Tensor:
    """``input @ other``, one or both of them sparse matrices, ``other`` perhaps a vector."""
    if input.ndim != 2 or other.ndim not in (1, 2):
        raise RuntimeError(
            f"matmul: a sparse product is of a matrix with a matrix or a vector, but the shapes "
            f"are {list(input.shape)} and {list(other.shape)}"
        )
    if input.shape[1] != other.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({'x'.join(map(str, input.shape))} and "
            f"{'x'.join(map(str, other.shape))})"
        )
    if isinstance(input, SparseTensor) and isinstance(other, SparseTensor):
        return _sparse_by_sparse(input, other)
    if not isinstance(input, SparseTensor):
        turned = other.transpose(0, 1)
        return _sparse_by_dense(turned, input.transpose(0, 1)).transpose(0, 1)
    if other.ndim == 1:
        return _sparse_by_dense(input, other[:, None])[:, 0]
    return _sparse_by_dense(input, other)


def _sparse_by_dense(input: Tensor, other: Tensor) -> Tensor:
    coo = input._array
    _only_matrices(input)
    common = core.result_type(coo.values, other)
    result = other.new_zeros((coo.shape[0], other.shape[1]), dtype=common)
    if coo.nnz:
        rows, columns = coo.indices
        result.index_add_(0, rows, (coo.values[:, None] * other[columns]).to(common))
    return result


def _sparse_by_sparse(input: Tensor, other: Tensor) -> Tensor:
    """Each element of ``input`` with the row of ``other`` that it meets."""
    _only_matrices(input)
    _only_matrices(other)
    one, two = coo_coalesce(input)._array, coo_coalesce(other)._array
    shape = (one.shape[0], two.shape[1])
    common = core.result_type(one.values, two.values)
    starts = core.searchsorted(two.indices[0].contiguous(), core.arange(two.shape[0] + 1))
    met = one.indices[1]
    lengths = starts[met + 1] - starts[met]
    elements = core.arange(one.nnz).repeat_interleave(lengths)
    within = core.arange(elements.shape[0]) - (lengths.cumsum(0) - lengths)[elements]
    partners = starts[met[elements]] + within
    indices = core.stack([one.indices[0][elements], two.indices[1][partners]])
    values = (one.values[elements] * two.values[partners]).to(common)
    return make(*joined(indices, values, shape), shape, coalesced=True)


def _only_matrices(input: Tensor) -> None:
    if input._array.sparse_dim != 2:
        raise RuntimeError(
            f"matmul: both dimensions of a sparse matrix must be sparse, but sparse_dim is "
            f"{input._array.sparse_dim}"
        )


@on_tensors("sparse_mm")
def _mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """``mat1 @ mat2``; the gradient to a sparse factor is at its coordinates alone."""
    return product(mat1, mat2)


def mm(mat1: Tensor, mat2: Tensor, reduce: Any = None) -> Tensor:
    """The product of a sparse matrix and a matrix, sparse or dense.

    Args:
        mat1: ``(n, k)``; one of the two is sparse.
        mat2: ``(k, m)``.
        reduce: a reduction other than the sum, for compressed rows in PyTorch; not there.

    Returns:
        ``(n, m)``: sparse where both are. The gradient to a sparse factor is sparse.

    Raises:
        RuntimeError: shapes that do not fit.
        NotImplementedError: with ``reduce``.
    """
    if reduce is not None:
        raise NotImplementedError("sparse.mm: reduce needs compressed rows, which are not there")
    return _mm(mat1, mat2)


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, each sparse or dense: :func:`mm`, or ``torch.mm`` of dense ones.

    Args:
        input: ``(n, k)``.
        mat2: ``(k, m)``.

    Returns:
        ``(n, m)``: sparse where both are.

    Raises:
        RuntimeError: shapes that do not fit.
    """
    if isinstance(input, SparseTensor) or isinstance(mat2, SparseTensor):
        return _mm(input, mat2)
    return core.mm(input, mat2)


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)`` with a sparse ``mat1``.

    Args:
        mat: dense, of a shape that broadcasts to the product's.
        mat1: sparse ``(n, k)``.
        mat2: dense ``(k, m)``.
    """
    return rename(beta * mat + alpha * _mm(mat1, mat2), "SparseAddmmBackward0")
