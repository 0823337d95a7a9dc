"""Batching of products and of linear algebra, whose ops take batches by themselves."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.rules import batching
from lamella_autograd.levels import call
from lamella_core.ops.linalg import matmul
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


@batching(
    "linalg_det", "linalg_slogdet", "linalg_inv_ex", "linalg_matrix_exp", "linalg_cholesky_ex",
    "linalg_qr", "linalg_lu", "linalg_lu_factor_ex", "lu_permutation", "linalg_ldl_factor_ex",
    "linalg_eigh", "linalg_eigvalsh", "linalg_eig", "linalg_eigvals", "linalg_svd",
    "linalg_svdvals", "geqrf", "cholesky_inverse", "nuclear_norm", "polar_factor", "tril", "triu",
)  # fmt: skip
def of_matrices(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops on the last dimensions of one tensor."""
    if op.mutates == "out":
        return NotImplemented
    return call(op, batch.full(args[0]), *args[1:])


@batching(
    "linalg_solve_triangular",
    "cholesky_solve",
    "linalg_lu_solve",
    "linalg_pinv",
    "apply_reflections",
)
def of_more_matrices(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Ops on the matrices of some tensors, whose leading dimensions broadcast."""
    if op.mutates is not None:
        return NotImplemented
    tensors = [each for each in args if isinstance(each, Tensor)]
    ndim = max([each._array.ndim for each in tensors])
    return call(op, *[batch.aligned(each, ndim) for each in tensors], *args[len(tensors) :])


@batching("linalg_solve_ex")
def of_solutions(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """As :func:`of_more_matrices`; the codes are for each example, so both operands are."""
    if op.mutates is not None:
        return NotImplemented
    left, right, *rest = args
    ndim = max(left._array.ndim, right._array.ndim) + 1
    return call(op, _padded(batch.full(left), ndim), _padded(batch.full(right), ndim), *rest)


@batching("linalg_lstsq")
def of_least_squares(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """As :func:`of_more_matrices`; residuals that there are none of are none of each example."""
    left, right, *rest = args
    if op.mutates is not None or left._array.ndim != right._array.ndim:
        return NotImplemented
    solution, residuals, *more = call(op, batch.full(left), batch.full(right), *rest)
    if not residuals._array.size:
        residuals = residuals.new_empty((batch.size, 0))
    more = [each if each._array.size else each.new_empty((batch.size, 0)) for each in more]
    return (solution, residuals, *more)


def product(batch: Batch, left: Tensor, right: Tensor) -> Tensor:
    """``left @ right`` for each example."""
    rows, columns = left._array.ndim, right._array.ndim
    if not batch.is_batched(right) and columns <= 2:
        return matmul(batch.full(left), right)
    vector_left, vector_right = rows == 1, columns == 1
    left, right = batch.full(left), batch.full(right)
    if vector_left:
        left = left.unsqueeze(1)
    if vector_right:
        right = right.unsqueeze(-1)
    ndim = max(left._array.ndim, right._array.ndim)
    result = matmul(_padded(left, ndim), _padded(right, ndim))
    if vector_right:
        result = result.squeeze(-1)
    if vector_left:
        result = result.squeeze(-1 if vector_right else -2)
    return result


def _padded(value: Tensor, ndim: int) -> Tensor:
    shape = value._array.shape
    if len(shape) == ndim:
        return value
    return value.reshape(shape[0], *(1,) * (ndim - len(shape)), *shape[1:])


@batching("matmul")
def of_matmul(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Vectors become matrices, so that the first dimension is a batch for both."""
    return NotImplemented if op.mutates is not None else product(batch, *args)


@batching("linalg_cross")
def of_cross(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Both operands have one dimension more in front."""
    input, other, dim = args
    return call(op, batch.full(input), batch.full(other), dim + 1)


@batching("linear")
def of_linear(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """With one weight for all examples it is the op itself, else a product of matrices."""
    input, weight, bias = args
    if not batch.is_batched(weight):
        if bias is None or not batch.is_batched(bias):
            return call(op, batch.full(input), weight, bias)
        result = call(op, batch.full(input), weight, None)
    elif weight._array.ndim != 2:
        return NotImplemented
    else:
        shape = input._array.shape
        value = batch.full(input).reshape(batch.size, prod(shape[:-1]), shape[-1])
        result = matmul(value, batch.full(weight).transpose(1, 2))
        result = result.reshape(batch.size, *shape[:-1], weight._array.shape[0])
    if bias is None:
        return result
    return result + batch.aligned(bias, result._array.ndim - 1)


@batching("rows_product")
def of_rows_product(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Each example's rows in a matrix."""
    left, right = args
    rows = prod(left._array.shape[:-1])
    left = batch.full(left).reshape(batch.size, rows, left._array.shape[-1])
    right = batch.full(right).reshape(batch.size, rows, right._array.shape[-1])
    return matmul(left.transpose(1, 2), right)
