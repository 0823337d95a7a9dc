"""Triangular and orthogonal factorizations of ``torch.linalg``: Cholesky, QR, LU, LDL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import checked
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.ops.matrix_checks import (
    check_info,
    check_matrix,
    check_same_type,
    check_square,
)
from lamella_core.ops.solving import check_batches, check_equation

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


# Only the lower triangle is read.
_cholesky_ex = arrays(returns=return_types.linalg_cholesky_ex)("linalg_cholesky_ex(input: Tensor)")
_qr = arrays(returns=return_types.linalg_qr)("linalg_qr(A: Tensor, mode: str)")
_lu_factor_ex = arrays(returns=return_types.linalg_lu_factor_ex)("linalg_lu_factor_ex(A: Tensor)")
_lu = arrays(returns=return_types.linalg_lu)("linalg_lu(A: Tensor)")
# The permutation that a list of row exchanges amounts to, counted from 0.
_lu_permutation = arrays()("lu_permutation(pivots: Tensor, size: int)")
# The pivots are a column.
_lu_solve = arrays()("linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, adjoint: bool)")
_ldl_factor_ex = arrays(returns=return_types.linalg_ldl_factor_ex)(
    "linalg_ldl_factor_ex(A: Tensor, hermitian: bool)"
)
_ldl_solve = arrays()("linalg_ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, hermitian: bool)")


# ------------ Cholesky


def _not_positive(code: int) -> str:
    return (
        f"The factorization could not be completed because the input is not positive-definite "
        f"(the leading minor of order {code} is not positive-definite)."
    )


@checked
def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """As :func:`cholesky`, with LAPACK's code for each matrix instead of an error.

    Returns:
        A named tuple ``(L, info)``; ``info`` (int32) is 0, or the order of the first leading minor
        that is not positive-definite, where ``L`` holds NaN.

    Raises:
        LinAlgError: with ``check_errors``, when a matrix is not positive-definite.
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("linalg.cholesky_ex", A)
    result = _factor(A, upper)
    if check_errors:
        check_info("linalg.cholesky_ex", result[1], _not_positive)
    return write_outs("linalg.cholesky_ex", result, out)


def _factor(A: Tensor, upper: bool) -> Any:
    if not upper:
        return _cholesky_ex(A)
    # The transpose is the conjugate, and the upper factor the transpose of its lower one.
    factor, info = _cholesky_ex(A.mT)
    return return_types.linalg_cholesky_ex(factor.mT, info)


@checked
def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """Lower triangular ``L`` with a positive diagonal and ``A = L L^H``, or ``A = L^H L``, upper.

    Args:
        A: ``(..., n, n)``, Hermitian and positive-definite, float32, float64 or complex; only one
            triangle, the lower one unless ``upper``, is read.

    Raises:
        LinAlgError: when a matrix is not positive-definite.
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("linalg.cholesky", A)
    factor, info = _factor(A, upper)
    check_info("linalg.cholesky", info, _not_positive)
    return write_out("linalg.cholesky", factor, out)


# ------------ QR


@checked
def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``A = Q R`` with ``Q^H Q = I`` and ``R`` upper triangular, by Householder reflections.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex; ``k = min(m, n)``.
        mode: ``reduced``: ``Q`` is ``(..., m, k)`` and ``R`` ``(..., k, n)``; ``complete``: ``(...,
            m, m)`` and ``(..., m, n)``; ``r``: ``Q`` is empty, ``R`` as in ``reduced``.

    Returns:
        A named tuple ``(Q, R)``. The diagonal of ``R`` may be negative. There is a gradient where
        the first ``k`` columns are independent; none for ``r``, or ``complete`` with ``m > n``.

    Raises:
        RuntimeError: for an unknown mode, fewer than 2 dimensions or another type.
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            f"'r', or 'complete'"
        )
    result = _qr(A, mode)
    if mode == "r":
        result = return_types.linalg_qr(A.new_empty((0,)), result[1])
    return write_outs("linalg.qr", result, out)


@checked
def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """First ``n`` columns of the product of ``k`` reflections ``H_i = I - tau_i v_i v_i^H``.

    ``v_i`` is 0 above row ``i``, 1 in it, and column ``i`` of ``A`` below: the form in which
    :func:`torch.geqrf` leaves ``Q``.

    Args:
        A: ``(..., m, n)`` with ``m >= n``, float32, float64 or complex.
        tau: ``(..., k)``, ``k <= n``, of the same type.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    op_name = "torch.linalg.householder_product"
    check_matrix(op_name, A, "input")
    check_same_type(op_name, A, tau, ("input", "tau"))
    shape, scales = A._array.shape, tau._array.shape
    if shape[-2] < shape[-1]:
        raise RuntimeError(
            f"{op_name}: input.shape[-2] must be greater than or equal to input.shape[-1], got "
            f"shape {list(shape)}"
        )
    if not scales or scales[-1] > shape[-1]:
        raise RuntimeError(
            f"{op_name}: input.shape[-1] must be greater than or equal to tau.shape[-1], got "
            f"shapes {list(shape)} and {list(scales)}"
        )
    if scales[:-1] != shape[:-2]:
        raise RuntimeError(
            f"{op_name}: Expected batch dimensions of tau to be equal to input.shape[:-2], got "
            f"{list(scales[:-1])} and {list(shape[:-2])}"
        )
    identity = A.new_zeros(shape[-2:])
    identity.diagonal().fill_(1)
    return write_out(op_name, apply_reflections(A, tau.unsqueeze(-1), identity, False), out)


# ``Q other``, or ``Q^H other``, for the product ``Q`` of the reflections in ``A``; their scales are
# a column.
apply_reflections = arrays()(
    "apply_reflections(A: Tensor, tau: Tensor, other: Tensor, adjoint: bool)"
)


# ------------ LU


def _check_pivoting(op_name: str, A: Tensor, pivot: bool) -> None:
    check_matrix(op_name, A)
    if not pivot:
        raise RuntimeError(
            "linalg.lu_factor: LU without pivoting is not implemented on the CPU; call with "
            "pivot=True"
        )


@checked
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """``P L U = A`` with both factors in one matrix, and LAPACK's code for each matrix.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex; ``k = min(m, n)``.
        pivot: whether rows are exchanged; it must be True on the CPU.
        check_errors: whether to raise where ``U`` has a 0 on its diagonal.

    Returns:
        A named tuple ``(LU, pivots, info)``: ``U`` in the upper triangle and ``L``, whose diagonal
        is 1, below it; ``pivots`` (int32, ``(..., k)``): row ``i`` was exchanged with row
        ``pivots[i]``, counted from 1; ``info`` (int32): 0, or the number of the first 0 on the
        diagonal of ``U``.

    Raises:
        RuntimeError: for fewer than 2 dimensions, another type, or with ``check_errors``.
    """
    _check_pivoting("torch.linalg.lu_factor_ex", A, pivot)
    result = _lu_factor_ex(A)
    if check_errors:
        check_info("torch.linalg.lu_factor_ex", result[2], _zero_in_u, RuntimeError)
    return write_outs("linalg.lu_factor_ex", result, out)


def _zero_in_u(code: int) -> str:
    return (
        f"U[{code},{code}] is zero and using it on lu_solve would result in a division by zero. If "
        f"you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
        f"linalg.lu_factor_ex(A, pivot)"
    )


@checked
def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """:func:`lu_factor_ex` without the codes: a named tuple ``(LU, pivots)`` for :func:`lu_solve`.

    Raises:
        RuntimeError: for a singular matrix, fewer than 2 dimensions or another type.
    """
    _check_pivoting("torch.linalg.lu_factor", A, pivot)
    packed, pivots, info = _lu_factor_ex(A)
    check_info("torch.linalg.lu_factor", info, _zero_in_u, RuntimeError)
    return write_outs("linalg.lu_factor", return_types.linalg_lu_factor(packed, pivots), out)


@checked
def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """``A = P L U``: a permutation, a lower triangle with diagonal 1, and an upper triangle.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex; ``k = min(m, n)``.

    Returns:
        A named tuple ``(P, L, U)`` of shapes ``(..., m, m)``, ``(..., m, k)`` and ``(..., k, n)``.

    Raises:
        RuntimeError: for fewer than 2 dimensions, another type, or ``pivot=False`` on the CPU.
    """
    _check_pivoting("linalg.lu", A, pivot)
    permutation, lower, upper = _lu(A)
    result = return_types.linalg_lu(permutation.detach(), lower, upper)
    return write_outs("linalg.lu", result, out)


def unpack_triangles(packed: Tensor) -> tuple[Tensor, Tensor]:
    """``L``, with its diagonal of ones, and ``U`` from one matrix that holds both."""
    rows, columns = packed._array.shape[-2:]
    size = min(rows, columns)
    lower = packed[..., :, :size].tril(-1)
    lower.diagonal(dim1=-2, dim2=-1).fill_(1)
    return lower, packed[..., :size, :].triu()


def permutation_matrix(pivots: Tensor, size: int, like: Tensor) -> Tensor:
    """``P`` of ``A = P L U``, in the type of ``like``."""
    order = _lu_permutation(pivots, size)
    matrix = like.new_zeros((*order._array.shape, size))
    return matrix.scatter_(-2, order.unsqueeze(-2), 1)


@checked
def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The solution of ``A X = B`` from the result of :func:`lu_factor` for ``A``.

    Args:
        LU, pivots: ``(..., n, n)`` and ``(..., n)``.
        B: ``(..., n, k)``, or ``(..., k, n)`` for ``left=False``; batches broadcast.
        left: ``X A = B`` if False.
        adjoint: solve with ``A^H`` in the place of ``A``.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    op_name = "linalg.lu_solve"
    check_square(op_name, LU, "LU")
    check_matrix(op_name, B, "B")
    check_same_type(op_name, LU, B, ("LU", "B"))
    if pivots._dtype is not dtypes.int32:
        raise RuntimeError(
            f"{op_name}: pivots should be a Tensor of scalar type torch.int32, got "
            f"{pivots._dtype!r}"
        )
    if pivots._array.shape != LU._array.shape[:-1]:
        raise RuntimeError(
            f"{op_name}: Number of pivots per batch should be same as the dimension of the matrix "
            f"(pivots of shape {list(pivots._array.shape)}, LU of shape {list(LU._array.shape)})"
        )
    check_equation(op_name, LU, B, left)
    pivots = pivots.unsqueeze(-1)
    if not left:
        # X A = B is A^H X^H = B^H.
        result = _lu_solve(LU, pivots, B.mH, not adjoint).mH
    else:
        result = _lu_solve(LU, pivots, B, adjoint)
    return write_out(op_name, result, out)


# ------------ LDL


@checked
def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """``A = L D L^T`` (or ``L D L^H``) by LAPACK's ``sytrf`` (``hetrf``), and its codes.

    Args:
        A: ``(..., n, n)``, symmetric or Hermitian, float32, float64 or complex; the lower
            triangle is read.
        hermitian: whether complex matrices are Hermitian and not symmetric.

    Returns:
        A named tuple ``(LD, pivots, info)`` in LAPACK's packed form, for :func:`ldl_solve`. It has
        no gradient.

    Raises:
        RuntimeError: when the matrices are not square or have another type; with
            ``check_errors`` also for a zero in ``D``.
    """
    check_square("torch.linalg.ldl_factor_ex", A)
    result = _ldl_factor_ex(A, hermitian)
    if check_errors:
        check_info("torch.linalg.ldl_factor_ex", result[2], _zero_in_d, RuntimeError)
    return write_outs("linalg.ldl_factor_ex", result, out)


def _zero_in_d(code: int) -> str:
    return f"the diagonal element {code} of D is zero; the factors cannot be used to solve"


@checked
def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> Any:
    """:func:`ldl_factor_ex` without the codes: a named tuple ``(LD, pivots)``.

    Raises:
        RuntimeError: for a zero in ``D``, or when the matrices are not square or of another type.
    """
    check_square("torch.linalg.ldl_factor", A)
    packed, pivots, info = _ldl_factor_ex(A, hermitian)
    check_info("torch.linalg.ldl_factor", info, _zero_in_d, RuntimeError)
    return write_outs("linalg.ldl_factor", return_types.linalg_ldl_factor(packed, pivots), out)


@checked
def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None
) -> Tensor:
    """The solution of ``A X = B`` from the result of :func:`ldl_factor` for ``A``.

    Args:
        LD, pivots: ``(..., n, n)`` and ``(..., n)``.
        B: ``(..., n, k)``; batches broadcast.
        hermitian: as it was for the factorization.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    op_name = "torch.linalg.ldl_solve"
    check_square(op_name, LD, "LD")
    check_same_type(op_name, LD, B, ("LD", "B"))
    if B._array.ndim < 2:
        raise RuntimeError(
            f"{op_name}: Expected B to have at least 2 dimensions, but it has {B._array.ndim} "
            f"dimensions instead"
        )
    if pivots._dtype.category != dtypes.INTEGER:
        raise RuntimeError(
            f"{op_name}: Expected pivots to be integers. Got {pivots._dtype.class_name}"
        )
    if pivots._array.shape != LD._array.shape[:-1]:
        raise RuntimeError(
            f"{op_name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots "
            f"with shape {list(pivots._array.shape)} and LD with shape {list(LD._array.shape)}"
        )
    if B._array.shape[-2] != LD._array.shape[-1]:
        raise RuntimeError(
            f"{op_name}: Incompatible matrix sizes for ldl_solve: each LD matrix is "
            f"{LD._array.shape[-1]} by {LD._array.shape[-1]} but each B matrix has "
            f"{B._array.shape[-2]} rows"
        )
    check_batches(op_name, LD, B)
    return write_out(op_name, _ldl_solve(LD, pivots, B, hermitian), out)
