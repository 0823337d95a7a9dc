"""Sums and softmaxes over dimensions of sparse tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import rename
from lamella_core.conventions.common import normalize_dim, normalize_dims
from lamella_sparse.conversion import coo_tensor, coo_values
from lamella_sparse.coordinates import flat
from lamella_sparse.layer import SparseTensor

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _coo_of(op_name: str, input: Tensor) -> Any:
    if not isinstance(input, SparseTensor):
        raise RuntimeError(f"sparse.{op_name}: expected a sparse tensor, but got a dense one")
    return input._array


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """The sum over dimensions; differentiable.

    Args:
        input: a sparse tensor.
        dim: a dimension, or several; all by default.
        dtype: what values are cast to first.

    Returns:
        a sparse tensor while a sparse dimension is left, else a dense one.

    Raises:
        IndexError: when a dimension is out of range.
        RuntimeError: when one stands twice.
    """
    _coo_of("sum", input)
    whole: Any = input.coalesce()
    coo, values = whole._array, coo_values(whole)
    if dtype is not None:
        values = values.to(dtype)
    if dim is None:
        return values.sum()
    dims = normalize_dims((dim,) if isinstance(dim, int) else dim, coo.ndim)
    dense = [d - coo.sparse_dim + 1 for d in dims if d >= coo.sparse_dim]
    if dense:
        values = values.sum(dense)
    kept = [d for d in range(coo.sparse_dim) if d not in dims]
    if not kept:
        return values.sum(0)
    shape = tuple([size for d, size in enumerate(coo.shape) if d not in dims])
    summed = coo_tensor(values, coo.indices[kept], shape, False)
    return summed.coalesce()


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """``exp(x) / sum exp(x)`` along a dimension, over the elements that have coordinates.

    Elements without coordinates count as minus infinity. Differentiable.

    Args:
        input: a sparse tensor of floating values.
        dim: the dimension, a sparse or a dense one.
        dtype: what values are cast to first.

    Returns:
        a sparse tensor with the coordinates of ``input``, each once.

    Raises:
        IndexError: when ``dim`` is out of range.
        NotImplementedError: for values that are not floating, without ``dtype``.
    """
    result, _ = _softmax("softmax", input, dim, dtype)
    return rename(result, "SparseSoftmaxBackward0")


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax` at the coordinates that are there.

    Arguments and errors are those of :func:`softmax`.
    """
    _, result = _softmax("log_softmax", input, dim, dtype)
    return rename(result, "SparseLogSoftmaxBackward0")


def _softmax(op_name: str, input: Tensor, dim: int, dtype: Any) -> tuple[Any, Any]:
    _coo_of(op_name, input)
    whole = input.coalesce()
    coo = whole._array
    values = coo_values(whole)
    if dtype is not None:
        values = values.to(dtype)
    if not values._dtype.is_floating_point:
        raise NotImplementedError(
            f"\"{op_name}\" not implemented for '{values._dtype.class_name}'; give a floating dtype"
        )
    dim = normalize_dim(dim, coo.ndim)
    if dim >= coo.sparse_dim:
        along = dim - coo.sparse_dim + 1
        results = values.softmax(along), values.log_softmax(along)
    else:
        others = [d for d in range(coo.sparse_dim) if d != dim]
        lines = flat(coo.indices[others], [coo.shape[d] for d in others])
        _, groups = core.unique(lines, return_inverse=True)
        count = int(groups.max()) + 1 if coo.nnz else 0
        index = groups.reshape(-1, *[1] * (values.ndim - 1)).expand(values.shape)
        blank = values.detach().new_zeros((count, *values.shape[1:]))
        highest = blank.scatter_reduce(0, index, values.detach(), "amax", include_self=False)
        shifted = values - highest[groups]
        exponentials = shifted.exp()
        totals = blank.index_add(0, groups, exponentials)[groups]
        results = exponentials / totals, shifted - totals.log()
    return tuple(coo_tensor(each, coo.indices, coo.shape, True) for each in results)  # type: ignore[return-value]
