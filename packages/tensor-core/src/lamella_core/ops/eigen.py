"""Eigenvalues and singular values, and what follows from them; functions of ``torch.linalg``."""

from __future__ import annotations

from typing import Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import checked
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import anywhere
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.ops.matrix_checks import check_matrix, check_square
from lamella_core.tensor import Tensor
from lamella_core.type_info import finfo

_eigh = arrays(returns=return_types.linalg_eigh)("linalg_eigh(A: Tensor, UPLO: str)")
_eigvalsh = arrays()("linalg_eigvalsh(A: Tensor, UPLO: str)")
_eig = arrays(returns=return_types.linalg_eig)("linalg_eig(input: Tensor)")
_eigvals = arrays()("linalg_eigvals(input: Tensor)")
_svd = arrays(returns=return_types.linalg_svd)("linalg_svd(A: Tensor, full_matrices: bool)")
_svdvals = arrays()("linalg_svdvals(A: Tensor)")
# The tolerances are a batch of matrices of one element.
_pinv = arrays()("linalg_pinv(input: Tensor, atol: Tensor, rtol: Tensor, hermitian: bool)")


# ------------ eigenvalues


def _triangle(UPLO: str) -> str:
    side = UPLO.upper() if isinstance(UPLO, str) else UPLO
    if side not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return side


@checked
def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """``A = V diag(w) V^H`` of symmetric or Hermitian matrices, ``w`` real and ascending.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex.
        UPLO: the triangle that is read, ``L`` or ``U``.

    Returns:
        A named tuple ``(eigenvalues, eigenvectors)``; column ``i`` is the vector of eigenvalue
        ``i``. Vectors are fixed up to a factor of size 1, and their gradient is finite only where
        eigenvalues differ.

    Raises:
        RuntimeError: for a wrong ``UPLO``, matrices that are not square or of another type.
        LinAlgError: where LAPACK's iteration fails.
    """
    check_square("linalg.eigh", A)
    return write_outs("linalg.eigh", _eigh(A, _triangle(UPLO)), out)


@checked
def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of :func:`eigh` alone."""
    check_square("linalg.eigvalsh", A)
    return write_out("linalg.eigvalsh", _eigvalsh(A, _triangle(UPLO)), out)


def _check_finite(A: Tensor) -> None:
    check_square("linalg.eig", A)
    if anywhere(~A.isfinite()):
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


@checked
def eig(A: Tensor, *, out: Any = None) -> Any:
    """``A = V diag(w) V^-1``, complex also for real matrices.

    Args:
        A: ``(..., n, n)``, float32, float64 or complex, without infinities or NaN.

    Returns:
        A named tuple ``(eigenvalues, eigenvectors)``; the columns have size 1. The order is
        LAPACK's. The gradient is finite only where eigenvalues differ.

    Raises:
        RuntimeError: when the matrices are not square, not finite or of another type.
    """
    _check_finite(A)
    return write_outs("linalg.eig", _eig(A), out, exact=False)


@checked
def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of :func:`eig` alone."""
    _check_finite(A)
    return write_out("linalg.eigvals", _eigvals(A), out)


# ------------ singular values


def _check_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            f"cuSOLVER backend; got {driver!r}"
        )


@checked
def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> Any:
    """``A = U diag(S) Vh`` with ``U^H U = I`` and ``Vh Vh^H = I``, ``S`` real and descending.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex; ``k = min(m, n)``.
        full_matrices: ``U`` is ``(..., m, m)`` and ``Vh`` ``(..., n, n)``; otherwise ``(..., m,
            k)`` and ``(..., k, n)``.
        driver: must be None on the CPU, where LAPACK's ``gesdd`` is used.

    Returns:
        A named tuple ``(U, S, Vh)``. Singular vectors are fixed up to a factor of size 1, and
        their gradient is finite only where singular values differ (and, not square, are not 0).

    Raises:
        RuntimeError: for fewer than 2 dimensions or another type.
        LinAlgError: where LAPACK's iteration fails, as it does with NaN.
    """
    _check_driver(driver)
    check_matrix("linalg.svd", A)
    return write_outs("linalg.svd", _svd(A, bool(full_matrices)), out)


@checked
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values of :func:`svd` alone."""
    _check_driver(driver)
    check_matrix("linalg.svdvals", A)
    return write_out("linalg.svdvals", _svdvals(A), out)


# ------------ rank and pseudo-inverse


def _tolerances(
    op_name: str, A: Tensor, atol: Tensor | float | None, rtol: Tensor | float | None
) -> tuple[Tensor, Tensor]:
    # Both as tensors; the relative one is machine epsilon times the size where none is given.
    real = A._dtype.to_real()
    for name, value in (("atol", atol), ("rtol", rtol)):
        if isinstance(value, Tensor) and value._dtype.is_complex:
            raise RuntimeError(
                f"{op_name}: {name} tensor of complex type is not supported. Got "
                f"{value._dtype.class_name}"
            )
    default = finfo(real).eps * max(A._array.shape[-2:])
    if atol is None:
        absolute = A.new_zeros((), dtype=real)
    else:
        absolute = _as_tensor(atol, A)
    if rtol is None:
        relative = absolute.new_zeros(absolute._array.shape).masked_fill(absolute == 0, default)
    else:
        relative = _as_tensor(rtol, A)
    return absolute, relative


def _as_tensor(value: Tensor | float, A: Tensor) -> Tensor:
    real = A._dtype.to_real()
    if isinstance(value, Tensor):
        return value.detach().to(real)
    return A.new_zeros((), dtype=real).fill_(value)


@checked
def matrix_rank(
    A: Tensor,
    tol: Tensor | float | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | float | None = None,
    rtol: Tensor | float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Number of singular values greater than ``max(atol, rtol * largest)``: int64.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex.
        tol: an absolute tolerance, in the place of both others.
        hermitian: use the eigenvalues' sizes, for Hermitian matrices; quicker.
        atol: 0 by default.
        rtol: machine epsilon times ``max(m, n)`` by default, or 0 where ``atol`` is positive.

    Raises:
        RuntimeError: when the type is another or ``hermitian`` matrices are not square.
    """
    op_name = "linalg.matrix_rank"
    check_matrix(op_name, A)
    if hermitian:
        check_square(op_name, A)
    if tol is not None:
        atol, rtol = tol, 0.0
    absolute, relative = _tolerances(op_name, A, atol, rtol)
    if not A._array.size:
        return write_out(op_name, A.new_zeros(A._array.shape[:-2], dtype=dtypes.int64), out)
    A = A.detach()
    values = _eigvalsh(A, "L").abs() if hermitian else _svdvals(A)
    cutoff = absolute.maximum(relative * values.amax(-1))
    return write_out(op_name, (values > cutoff.unsqueeze(-1)).sum(-1), out)


@checked
def pinv(
    A: Tensor,
    rcond: Tensor | float | None = None,
    hermitian: bool = False,
    *,
    atol: Tensor | float | None = None,
    rtol: Tensor | float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The Moore-Penrose inverse ``A^+``: ``A A^+ A = A``, ``A^+ A A^+ = A^+``, both products
    Hermitian.

    Singular values up to ``max(atol, rtol * largest)`` count as 0. The gradient is that of
    matrices of the same rank (G. H. Golub and V. Pereyra, 1973).

    Args:
        A: ``(..., m, n)``, float32, float64 or complex.
        rcond: another name of ``rtol``.
        hermitian: use eigenvalues, for Hermitian matrices.
        atol, rtol: as for :func:`matrix_rank`.

    Raises:
        RuntimeError: when the type is another or ``hermitian`` matrices are not square.
    """
    op_name = "linalg.pinv"
    check_matrix(op_name, A)
    if hermitian:
        check_square(op_name, A)
    absolute, relative = _tolerances(op_name, A, atol, rcond if rtol is None else rtol)
    absolute, relative = absolute[..., None, None], relative[..., None, None]
    return write_out(op_name, _pinv(A, absolute, relative, bool(hermitian)), out)
