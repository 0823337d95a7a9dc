"""Matrix functions to which PyTorch gave successors in ``linalg``.

They do what their last documentation says, and all but ``svd`` warn with the name of the function
to use, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

from lamella_core import return_types
from lamella_core.composite import composite
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.ops import decomposition, eigen, matrix_names, solving
from lamella_core.ops.gathering import where
from lamella_core.ops.joining import cat, stack
from lamella_core.ops.matrix_checks import check_matrix, check_same_type, check_square
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

__all__ = [
    "cholesky", "eig", "lstsq", "lu", "lu_solve", "matrix_rank", "qr", "solve", "svd", "symeig",
    "triangular_solve",
]  # fmt: skip


def _warn(name: str, successor: str) -> None:
    warn_once(
        f"torch.{name} is deprecated: use torch.linalg.{successor}, whose arguments or results may "
        "be in another order or form"
    )


@composite()
def symeig(
    input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None
) -> Any:
    """Eigenvalues, ascending, and eigenvectors of symmetric or Hermitian matrices.

    Args:
        input: ``(..., n, n)``, float32, float64 or complex.
        eigenvectors: whether the vectors are wanted; otherwise they are an empty tensor.
        upper: the triangle that is read.

    Returns:
        A named tuple ``(eigenvalues, eigenvectors)``; see :func:`linalg.eigh`.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    _warn("symeig", "eigh or torch.linalg.eigvalsh")
    side = "U" if upper else "L"
    if eigenvectors:
        values, vectors = eigen.eigh(input, side)
    else:
        values, vectors = eigen.eigvalsh(input, side), input.new_empty((0,))
    return write_outs("symeig", return_types.symeig(values, vectors), out)


@composite()
def eig(input: Tensor, eigenvectors: bool = False, *, out: Any = None) -> Any:
    """Eigenvalues and eigenvectors of one real matrix, in real numbers.

    Args:
        input: ``(n, n)``, float32 or float64.
        eigenvectors: whether the vectors are wanted; otherwise they are an empty tensor.

    Returns:
        A named tuple ``(eigenvalues, eigenvectors)``. Each row of the values, ``(n, 2)``, is a real
        and an imaginary part. Column ``j`` of the vectors, ``(n, n)``, belongs to a real value
        ``j``; the vectors of a conjugate pair ``j`` and ``j + 1`` are ``v[:, j] ± i v[:, j + 1]``.

    Raises:
        RuntimeError: for a batch, a matrix that is not square or finite, or another type.
    """
    _warn("eig", "eig or torch.linalg.eigvals")
    if input._array.ndim != 2 or input._dtype.is_complex:
        raise RuntimeError(
            f"eig: expected one real matrix, got {input._dtype!r} of shape "
            f"{list(input._array.shape)}; torch.linalg.eig takes complex matrices and batches"
        )
    if eigenvectors:
        pairs, columns = eigen.eig(input)
        vectors = where(pairs.imag < 0, -columns.imag, columns.real)
    else:
        pairs, vectors = eigen.eigvals(input), input.new_empty((0,))
    values = stack((pairs.real, pairs.imag), -1)
    return write_outs("eig", return_types.eig(values, vectors), out)


@composite()
def solve(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """The solution ``X`` of ``A X = B``, and the factors that it was found with.

    Args:
        input: ``B``, ``(..., n, k)``; batches broadcast.
        A: ``(..., n, n)``, float32, float64 or complex.

    Returns:
        A named tuple ``(solution, LU)``, the second as from :func:`linalg.lu_factor` and without
        a gradient.

    Raises:
        RuntimeError: when shapes or types do not fit, or a matrix is singular.
    """
    _warn("solve", "solve")
    check_matrix("solve", input, "B")
    check_square("solve", A)
    rows, size = input._array.shape[-2], A._array.shape[-1]
    if rows != size:
        raise RuntimeError(
            f"Incompatible matrix sizes for solve: each A matrix is {size} by {size} but each b "
            f"matrix has {rows} rows"
        )
    solving.check_batches("solve", A, input)
    # linalg.solve would take a B of one dimension less than A for a batch of vectors.
    missing = (1,) * (A._array.ndim - input._array.ndim)
    solution = solving.solve(A, input.reshape(*missing, *input._array.shape))
    factors = decomposition.lu_factor(A.detach())[0]
    factors = factors.expand(*solution._array.shape[:-2], size, size).clone()
    return write_outs("solve", return_types.solve(solution, factors), out)


@composite()
def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """Least squares ``min |A X - B|`` for ``m >= n``, else the least ``X`` with ``A X = B``.

    Args:
        input: ``B``, ``(m, k)``.
        A: ``(m, n)`` of full rank, float32, float64 or complex.

    Returns:
        A named tuple ``(solution, QR)``. The first ``n`` rows of the solution, ``(max(m, n), k)``,
        are ``X``; the squares of the others, where ``m > n``, sum to each column's residual. ``QR``
        is LAPACK's packed form, of ``A^H`` transposed where ``m < n``. Neither has a gradient.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    _warn("lstsq", "lstsq")
    check_matrix("lstsq", A)
    check_same_type("lstsq", A, input)
    if A._array.ndim != 2 or input._array.ndim != 2 or len(A) != len(input):
        raise RuntimeError(
            f"lstsq: expected matrices A and B of as many rows, got shapes "
            f"{list(A._array.shape)} and {list(input._array.shape)}"
        )
    input, A = input.detach(), A.detach()
    rows, columns = A._array.shape
    if rows >= columns:
        packed, scales = matrix_names.geqrf(A)
        turned = decomposition.apply_reflections(packed, scales.unsqueeze(-1), input, True)
        top = solving.solve_triangular(packed[:columns].triu(), turned[:columns], upper=True)
        solution = cat((top, turned[columns:]))
    else:
        packed, scales = matrix_names.geqrf(A.mH)
        inner = solving.solve_triangular(packed[:rows].triu().mH, input, upper=False)
        padded = cat((inner, inner.new_zeros((columns - rows, inner._array.shape[1]))))
        solution = decomposition.apply_reflections(packed, scales.unsqueeze(-1), padded, False)
        packed = packed.mH
    return write_outs("lstsq", return_types.lstsq(solution, packed), out)


def matrix_rank(
    input: Tensor,
    tol: float | Tensor | None = None,
    symmetric: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Number of singular values above ``tol``; see :func:`linalg.matrix_rank`."""
    _warn("matrix_rank", "matrix_rank")
    return write_out("matrix_rank", eigen.matrix_rank(input, tol, symmetric), out)


@composite()
def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
    *,
    out: Any = None,
) -> Any:
    """The solution of ``A X = b`` for a triangular ``A``; see :func:`linalg.solve_triangular`.

    Args:
        b: ``(..., n, k)``.
        A: ``(..., n, n)``; batches broadcast.
        upper: which triangle of ``A`` is read.
        transpose: ``A^T`` in the place of ``A``.
        unitriangular: take the diagonal to be 1.

    Returns:
        A named tuple ``(solution, cloned_coefficient)``, the second a copy of ``A``.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    _warn("triangular_solve", "solve_triangular")
    check_matrix("torch.triangular_solve", b, "b")
    matrix, side = (A.mT, not upper) if transpose and A._array.ndim >= 2 else (A, upper)
    solution = solving.solve_triangular(matrix, b, upper=side, unitriangular=unitriangular)
    batch = solution._array.shape[:-2]
    copied = A.expand(*batch, *A._array.shape[-2:]).clone()
    return write_outs("triangular_solve", return_types.triangular_solve(solution, copied), out)


@composite()
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Cholesky factor of positive-definite matrices; see :func:`linalg.cholesky`.

    Raises:
        LinAlgError: when a matrix is not positive-definite.
        RuntimeError: when the matrices are not square or have another type.
    """
    _warn("cholesky", "cholesky")
    return write_out("cholesky", decomposition.cholesky(input, upper=upper, out=out), None)


@composite()
def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """``A = Q R``; see :func:`linalg.qr`, with mode ``reduced`` for ``some``, else ``complete``."""
    _warn("qr", "qr")
    result = decomposition.qr(input, "reduced" if some else "complete")
    return write_outs("qr", return_types.qr(*result), out)


@composite()
def lu(A: Tensor, pivot: bool = True, get_infos: Any = False, out: Any = None) -> Any:
    """``P L U = A`` in one matrix with its row exchanges; see :func:`linalg.lu_factor`.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex.
        pivot: must be True on the CPU.
        get_infos: whether LAPACK's codes are the third result, not 0 for a singular matrix.

    Raises:
        RuntimeError: for fewer than 2 dimensions or another type.
    """
    _warn("lu", "lu_factor or torch.linalg.lu_factor_ex")
    result = decomposition.lu_factor_ex(A, pivot=pivot)
    results = return_types._lu_with_info(*result) if get_infos else tuple(result[:2])
    if out is None:
        return results
    for target, each in zip(out, results, strict=True):
        target.resize_as_(each).copy_(each)
    return out


@composite()
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The solution of ``A x = b`` from the result of :func:`lu`; see :func:`linalg.lu_solve`."""
    _warn("lu_solve", "lu_solve")
    return decomposition.lu_solve(LU_data, LU_pivots, b, out=out)


@composite()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """``A = U diag(S) V^H``; see :func:`linalg.svd`, which returns ``V^H``.

    Args:
        input: ``(..., m, n)``, float32, float64 or complex.
        some: only the first ``min(m, n)`` columns of ``U`` and ``V``.
        compute_uv: otherwise ``U`` and ``V`` are square and zero.

    Returns:
        A named tuple ``(U, S, V)``.

    Raises:
        RuntimeError: for fewer than 2 dimensions or another type.
        LinAlgError: where LAPACK's iteration fails.
    """
    check_matrix("linalg.svd", input)
    if compute_uv:
        U, S, Vh = eigen.svd(input, full_matrices=not some)
        result = return_types.svd(U, S, Vh.mH)
    else:
        *batch, rows, columns = input._array.shape
        left, right = (input.new_zeros((*batch, n, n)) for n in (rows, columns))
        result = return_types.svd(left, eigen.svdvals(input), right)
    return write_outs("svd", result, out)
