"""Norms of vectors and matrices, and the condition number; functions of ``torch.linalg``."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from lamella_core.composite import checked
from lamella_core.conventions.common import normalize_dims
from lamella_core.conventions.results import offering, write_out
from lamella_core.dtype import COMPLEX
from lamella_core.ops.eigen import svdvals
from lamella_core.ops.matrix_checks import check_matrix, check_square, check_type
from lamella_core.ops.reduction import all_or_tuple
from lamella_core.ops.reduction import vector_norm as _vector_norm
from lamella_core.ops.solving import inv_ex

if TYPE_CHECKING:
    from lamella_core.dtype import dtype as DType
    from lamella_core.tensor import Tensor


def _converted(op_name: str, input: Tensor, dtype: DType | None) -> Tensor:
    check_type(op_name, input, low_precision=True)
    if dtype is None:
        return input
    if dtype.category < 2 or (dtype.category == COMPLEX) != input._dtype.is_complex:
        kind = "complex" if input._dtype.is_complex else "floating point"
        raise RuntimeError(
            f"{op_name}: dtype should be {kind} if the input is {kind}; got {dtype!r} for an input "
            f"of {input._dtype!r}"
        )
    if dtype.to_real().itemsize < input._dtype.to_real().itemsize:
        raise RuntimeError(
            f"{op_name}: the dtype of the input ({input._dtype!r}) should be convertible without "
            f"narrowing to the specified dtype ({dtype!r})"
        )
    return input.to(dtype)


@checked
def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``(sum |x|^ord)^(1/ord)`` over some dimensions, or all; real also for complex ``x``.

    Args:
        x: floating or complex, of any shape.
        ord: a number; inf and -inf give the largest and smallest size, 0 counts what is not 0.
        dim: the dimension or dimensions; None or ``()`` for all.
        keepdim: whether they stay, with size 1.
        dtype: the type to convert to first, not narrower than that of ``x``.

    Raises:
        RuntimeError: for another type, or no element where ``ord`` is negative or inf.
    """
    op_name = "linalg.vector_norm"
    x = _converted(op_name, x, dtype)
    if isinstance(ord, complex):
        raise RuntimeError(f"{op_name}: Expected a non-complex scalar as the order of norm.")
    dims = all_or_tuple(dim, x._array.ndim)
    order = float(ord)
    if (order < 0 or order == inf) and not x._array.size:
        over = range(x._array.ndim) if dims is None else dims
        if any(x._array.shape[d] == 0 for d in over):
            raise RuntimeError(
                f"{op_name} cannot compute the {ord} norm on an empty tensor because the operation "
                f"does not have an identity (shape {list(x._array.shape)})"
            )
    norm = offering(out, _vector_norm)
    return write_out(op_name, norm(x, dims, keepdim, order), out)


@checked
def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A norm of the matrices that two dimensions hold; real also for complex ``A``.

    Args:
        A: floating or complex, with at least two dimensions.
        ord: ``fro``: root of the sum of squares; ``nuc``: sum of the singular values; 2, -2:
            largest, smallest singular value; 1, -1: largest, smallest sum of sizes of a column;
            inf, -inf: of a row.
        dim: two different dimensions.
        keepdim: whether they stay, with size 1.
        dtype: the type to convert to first, not narrower than that of ``A``.

    Raises:
        RuntimeError: for another type, ``ord`` or number of dimensions.
    """
    op_name = "linalg.matrix_norm"
    A = _converted(op_name, A, dtype)
    if A._array.ndim < 2:
        raise RuntimeError(
            f"{op_name}: The input tensor A must have at least 2 dimensions, got shape "
            f"{list(A._array.shape)}"
        )
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"{op_name}: dim must be a 2-tuple of ints. Got {dim}")
    rows, columns = normalize_dims(dim, A._array.ndim)
    if ord == "fro":
        return write_out(op_name, _vector_norm(A, (rows, columns), keepdim, 2.0), out)
    if ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2):
        check_type(op_name, A)
        result = _of_singular_values(A.movedim((rows, columns), (-2, -1)), ord)
        if keepdim:
            for d in sorted((rows, columns)):
                result = result.unsqueeze(d)
    elif not isinstance(ord, str) and abs(ord) in (1, inf):
        summed, left = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = _vector_norm(A, (summed,), True, 1.0)
        result = _largest(sums, left) if ord > 0 else sums.amin((left,), True)
        if not keepdim:
            result = result.squeeze((rows, columns))
    else:
        raise RuntimeError(f"{op_name}: Order {ord} not supported.")
    return write_out(op_name, result, out)


def _of_singular_values(A: Tensor, ord: Any) -> Tensor:
    values = svdvals(A)
    if ord == "nuc":
        return values.sum(-1)
    return _largest(values, -1).squeeze(-1) if ord > 0 else values.amin(-1)


def _largest(values: Tensor, dim: int) -> Tensor:
    # The largest of numbers that are not negative, 0 where there is none.
    if values._array.shape[dim]:
        return values.amax((dim,), True)
    return values.sum(dim, keepdim=True)


@checked
def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """:func:`vector_norm` over one dimension, :func:`matrix_norm` over two.

    Without ``ord`` it is the root of the sum of squares over ``dim``, or over everything. With
    ``ord`` and without ``dim`` the input must be a vector or a matrix.

    Raises:
        RuntimeError: for another number of dimensions, and as the two functions do.
    """
    op_name = "linalg.norm"
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype, out=out)
    if dim is None:
        if A._array.ndim not in (1, 2):
            raise RuntimeError(
                f"{op_name}: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                f"{A._array.ndim}D."
            )
        dims: tuple[int, ...] = tuple(range(A._array.ndim))
    else:
        dims = (dim,) if isinstance(dim, int) else tuple(dim)
        if len(dims) not in (1, 2):
            raise RuntimeError(
                f"{op_name}: If dim is specified, it must be of length 1 or 2. Got {list(dims)}"
            )
    if len(dims) == 1:
        if isinstance(ord, str):
            raise RuntimeError(
                f"{op_name}: Order {ord} not supported for vectors; give two dimensions or a number"
            )
        return vector_norm(A, ord, dims, keepdim, dtype=dtype, out=out)
    return matrix_norm(A, ord, dims, keepdim, dtype=dtype, out=out)  # type: ignore[arg-type]


@checked
def cond(A: Tensor, p: float | str | None = None, *, out: Tensor | None = None) -> Tensor:
    """Condition number: largest over smallest singular value, or ``norm(A) * norm(A^-1)``.

    Args:
        A: ``(..., m, n)``, square unless ``p`` is None, 2 or -2.
        p: the ``ord`` of :func:`matrix_norm`; None is 2, and -2 is smallest over largest.

    Returns:
        Real numbers, infinite for a singular matrix.

    Raises:
        RuntimeError: for another type or ``p``, or where the matrices must be square and are not.
    """
    op_name = "linalg.cond"
    check_matrix(op_name, A)
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        if not A._array.size:
            return write_out(op_name, _no_condition(A), out)
        values = svdvals(A)
        largest, smallest = values[..., 0], values[..., -1]
        result = smallest / largest if p == -2 else largest / smallest
        return write_out(op_name, result, out)
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"{op_name} got an invalid norm type: {p}")
    if not isinstance(p, str) and abs(p) not in (1, inf):
        raise RuntimeError(f"{op_name} got an invalid norm type: {p}")
    check_square(f"{op_name}(p={p})", A)
    if not A._array.size:
        return write_out(op_name, _no_condition(A), out)
    inverse, info = inv_ex(A)
    singular = info != 0
    result = matrix_norm(A, p) * _norm_unless(inverse, p, singular)
    return write_out(op_name, result.masked_fill(singular, inf), out)


def _norm_unless(inverse: Tensor, p: Any, singular: Tensor) -> Tensor:
    # The norm, with 0 in the place of the matrices that no iteration could go through.
    return matrix_norm(inverse.masked_fill(singular[..., None, None], 0), p)


def _no_condition(A: Tensor) -> Tensor:
    return A.new_zeros(A._array.shape[:-2], dtype=A._dtype.to_real())
