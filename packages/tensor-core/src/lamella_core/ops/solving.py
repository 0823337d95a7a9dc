"""Linear systems, inverses and least squares; the functions of ``torch.linalg``."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_core import return_types
from lamella_core.composite import checked
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.results import offering, write_out, write_outs
from lamella_core.ops.matrix_checks import (
    check_info,
    check_matrix,
    check_same_type,
    check_square,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


_inv_ex = arrays(returns=return_types.linalg_inv_ex)("linalg_inv_ex(input: Tensor)")
_solve_ex = arrays(returns=return_types.linalg_solve_ex)("linalg_solve_ex(A: Tensor, B: Tensor)")
_solve_triangular = arrays()(
    "linalg_solve_triangular(A: Tensor, B: Tensor, upper: bool, left: bool, unitriangular: bool)"
)
_lstsq = arrays(returns=return_types.linalg_lstsq)(
    "linalg_lstsq(A: Tensor, B: Tensor, rcond: float, driver: str)"
)


# ------------ inverses


def _zero_pivot(code: int) -> str:
    return (
        f"The diagonal element {code} is zero, the inversion could not be completed because the "
        f"input matrix is singular."
    )


@checked
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """Inverse of square matrices, and LAPACK's code for each.

    Args:
        A: ``(..., n, n)``, floating (float32, float64) or complex.
        check_errors: whether to raise for a singular matrix; otherwise its inverse holds NaN.

    Returns:
        A named tuple ``(inverse, info)``; ``info`` (int32) is 0, or the number, from 1, of the
        pivot that is exactly 0.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
        LinAlgError: with ``check_errors``, for a singular matrix.
    """
    check_square("linalg.inv_ex", A)
    result = _inv_ex(A)
    if check_errors:
        check_info("linalg.inv_ex", result[1], _zero_pivot)
    return write_outs("linalg.inv_ex", result, out)


@checked
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``A^-1``: the matrix with ``A @ A^-1 = I``, for each matrix of a batch.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex.

    Raises:
        LinAlgError: for a singular matrix.
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("linalg.inv", A)
    inverse, info = offering(out, _inv_ex)(A)
    check_info("linalg.inv", info, _zero_pivot)
    return write_out("linalg.inv", inverse, out)


@checked
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """Inverse for :func:`tensordot`: ``tensordot(tensorinv(A), A, ind)`` is the identity.

    Args:
        A: its first ``ind`` sizes have the same product as the others.
        ind: a positive number of dimensions.

    Returns:
        Shape ``A.shape[ind:] + A.shape[:ind]``.

    Raises:
        RuntimeError: for a wrong ``ind``, sizes that do not fit, or a singular tensor.
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', got {ind} (tensorinv)")
    shape = A._array.shape
    rows, columns = prod(shape[:ind]), prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows} (tensorinv)"
        )
    inverse = inv(A.reshape(rows, columns)).reshape(*shape[ind:], *shape[:ind])
    return write_out("linalg.tensorinv", inverse, out)


# ------------ systems


def is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether ``B`` is one right-hand side a matrix of ``A`` and not a matrix of them."""
    left, right = A._array.shape, B._array.shape
    return len(right) == 1 or (len(left) - 1 == len(right) and right == left[:-1])


def _prepare(op_name: str, A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, Tensor, bool]:
    # ``A`` and ``B`` of ``A X = B`` with ``B`` a matrix, and whether it was a vector.
    check_square(op_name, A)
    check_same_type(op_name, A, B)
    if B._array.ndim == 0:
        raise RuntimeError(f"{op_name}: B must have at least 1 dimension, got a 0-D tensor")
    vector = is_vector(A, B)
    if vector and not left and B._array.ndim > 0:
        raise RuntimeError(
            f"{op_name}: Vector broadcasting of the left hand side is not supported for "
            f"left=False. In this case {op_name} is equivalent to B / A.squeeze(-1)"
        )
    if vector:
        B = B.unsqueeze(-1)
    check_equation(op_name, A, B, left)
    return A, B, vector


def check_equation(op_name: str, A: Tensor, B: Tensor, left: bool) -> None:
    """Raises RuntimeError for operands that do not fit ``AX = B``, or ``XA = B``."""
    rows, columns = B._array.shape[-2:]
    size = A._array.shape[-1]
    if (rows if left else columns) != size:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{op_name}: Incompatible shapes of A and B for the equation {equation} "
            f"({size}x{size} and {rows}x{columns})"
        )
    check_batches(op_name, A, B)


def check_batches(op_name: str, A: Tensor, B: Tensor) -> None:
    """Raises RuntimeError where the batch dimensions of two operands do not broadcast."""
    left, right = A._array.shape[:-2], B._array.shape[:-2]
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a != b and 1 not in (a, b):
            raise RuntimeError(
                f"{op_name}: the batch dimensions of A, {list(left)}, and of B, {list(right)}, do "
                f"not broadcast"
            )


def _solved(op_name: str, A: Tensor, B: Tensor, left: bool) -> Any:
    A, B, vector = _prepare(op_name, A, B, left)
    if left:
        result, info = _solve_ex(A, B)
    else:
        result, info = _solve_ex(A.mT, B.mT)
        result = result.mT
    if vector:
        result = result.squeeze(-1)
    return result, info


def _unsolvable(code: int) -> str:
    return "The solver failed because the input matrix is singular."


@checked
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """As :func:`solve`, with LAPACK's code for each matrix instead of an error.

    Returns:
        A named tuple ``(result, info)``; ``info`` (int32) is 0, or the number, from 1, of the
        pivot that is exactly 0, where the result holds NaN.

    Raises:
        LinAlgError: with ``check_errors``, for a singular matrix.
        RuntimeError: when shapes or types do not fit.
    """
    result = return_types.linalg_solve_ex(_solved("linalg.solve_ex", A, B, left))
    if check_errors:
        check_info("torch.linalg.solve_ex", result[1], _unsolvable)
    return write_outs("linalg.solve_ex", result, out)


@checked
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """The solution ``X`` of ``A X = B``, or of ``X A = B`` for ``left=False``.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex.
        B: ``(..., n)`` or ``(..., n, k)`` of the same type; ``(..., k, n)`` for ``left=False``.
            It counts as a vector where its shape is ``(n,)`` or that of ``A`` without the last
            dimension. Batch dimensions broadcast.

    Raises:
        LinAlgError: for a singular matrix.
        RuntimeError: when shapes or types do not fit.
    """
    result, info = _solved("linalg.solve", A, B, left)
    check_info("torch.linalg.solve", info, _unsolvable)
    return write_out("linalg.solve", result, out)


@checked
def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The solution ``X`` of ``A X = B`` (or ``X A = B``) for a triangular ``A``.

    Args:
        A: ``(..., n, n)``; only the triangle that ``upper`` names is read.
        B: ``(..., n, k)``, or ``(..., k, n)`` for ``left=False``. Batch dimensions broadcast.
        upper: which triangle.
        left: whether ``A`` stands to the left of ``X``.
        unitriangular: take the diagonal to be 1 and do not read it.

    Returns:
        Infinities or NaN where a diagonal element is 0.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    op_name = "linalg.solve_triangular"
    check_square(op_name, A)
    check_same_type(op_name, A, B)
    check_matrix(op_name, B, "B")
    check_equation(op_name, A, B, left)
    return write_out(op_name, _solve_triangular(A, B, upper, left, unitriangular), out)


@checked
def tensorsolve(
    A: Tensor, B: Tensor, dims: Sequence[int] | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The solution of ``tensordot(A, X, X.ndim) = B``.

    Args:
        A: its first ``B.ndim`` sizes, whose product must equal that of the others, belong to ``B``.
        B: the right-hand side.
        dims: dimensions of ``A`` that are first moved to its end.

    Raises:
        RuntimeError: when sizes do not fit, or the system is singular.
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A._array.ndim - len(dims), A._array.ndim)))
    result_shape = A._array.shape[B._array.ndim :]
    size = prod(result_shape)
    if size != prod(A._array.shape[: B._array.ndim]):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {size} != "
            f"{prod(A._array.shape[: B._array.ndim])} (tensorsolve)"
        )
    if B._array.size != size:
        raise RuntimeError(
            f"tensorsolve: B of shape {list(B._array.shape)} does not fit A of shape "
            f"{list(A._array.shape)}"
        )
    result = solve(A.reshape(size, size), B.reshape(size)).reshape(result_shape)
    return write_out("linalg.tensorsolve", result, out)


# ------------ least squares


@checked
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None, out: Any = None
) -> Any:
    """``X`` that makes ``sum |A X - B|^2`` least; where there are many, the least in size.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex.
        B: ``(..., m)`` or ``(..., m, k)`` of the same type.
        rcond: singular values up to ``rcond`` times the largest count as 0; by default machine
            epsilon times ``max(m, n)``.
        driver: LAPACK's ``gelsy`` (the default), ``gelsd`` or ``gelss``, or ``gels``, which needs
            full rank.

    Returns:
        A named tuple ``(solution, residuals, rank, singular_values)``. Residuals, the sums of
        squares, are there for ``m > n``, full rank and a driver other than ``gelsy``; the rank for
        all drivers but ``gels``; singular values for ``gelsd`` and ``gelss``. What is not there
        is an empty tensor.

    Raises:
        RuntimeError: when shapes or types do not fit, or the driver is unknown.
    """
    op_name = "torch.linalg.lstsq"
    check_matrix(op_name, A, "input")
    check_same_type(op_name, A, B, ("input", "other"))
    if B._array.ndim < 1:
        raise RuntimeError(f"{op_name}: other must have at least 1 dimension.")
    left, right = A._array.shape, B._array.shape
    vector = len(left) - 1 == len(right) and left[:-1] == right
    if not 0 <= len(left) - len(right) <= (1 if vector else 0):
        raise RuntimeError(
            f"{op_name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            f"other.dim()) <= 1, got shapes {list(left)} and {list(right)}"
        )
    if vector:
        B = B.unsqueeze(-1)
    if B._array.shape[-2] != left[-2]:
        raise RuntimeError(
            f"{op_name}: input.size(-2) should match other.size(-2), got {left[-2]} and "
            f"{B._array.shape[-2]}"
        )
    check_batches(op_name, A, B)
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(
            f"{op_name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got "
            f"{driver!r}"
        )
    if rcond is None:
        from lamella_core.type_info import finfo

        rcond = finfo(A._dtype.to_real()).eps * max(left[-2:])
    solution, residuals, rank, singular_values = _lstsq(A, B, float(rcond), driver or "")
    if vector:
        solution = solution.squeeze(-1)
    values = singular_values.detach()
    result = return_types.linalg_lstsq(solution, residuals, rank, values)
    return write_outs(op_name, result, out, exact=False)
