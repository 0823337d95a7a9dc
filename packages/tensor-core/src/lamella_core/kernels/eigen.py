"""Array kernels of eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import numpy.linalg

from lamella_core.dispatch import shared_kernel
from lamella_core.ops.matrix_checks import LinAlgError


def _converged(op_name: str, function: Any, *args: Any, **options: Any) -> Any:
    # What a function of LAPACK's gives; where its iteration fails, PyTorch's error.
    try:
        return function(*args, **options)
    except numpy.linalg.LinAlgError as error:
        raise LinAlgError(
            f"linalg.{op_name}: The algorithm failed to converge because the input matrix is "
            f"ill-conditioned, has too many repeated values or contains non-finite values."
        ) from error


def _complex(xp: Any, input: Any) -> Any:
    return xp.result_type(input.dtype, xp.complex64)


@shared_kernel("linalg_eigh")
def eigh(xp: Any, A: Any, UPLO: str) -> Any:
    return tuple(_converged("eigh", xp.linalg.eigh, A, UPLO))


@shared_kernel("linalg_eigvalsh")
def eigvalsh(xp: Any, A: Any, UPLO: str) -> Any:
    return _converged("eigvalsh", xp.linalg.eigvalsh, A, UPLO)


@shared_kernel("linalg_eig")
def eig(xp: Any, input: Any) -> Any:
    values, vectors = xp.linalg.eig(input)
    wide = _complex(xp, input)
    return values.astype(wide), vectors.astype(wide)


@shared_kernel("linalg_eigvals")
def eigvals(xp: Any, input: Any) -> Any:
    return xp.linalg.eigvals(input).astype(_complex(xp, input))


@shared_kernel("linalg_svd")
def svd(xp: Any, A: Any, full_matrices: bool) -> Any:
    return tuple(_converged("svd", xp.linalg.svd, A, full_matrices))


@shared_kernel("linalg_svdvals")
def svdvals(xp: Any, A: Any) -> Any:
    return _converged("svdvals", xp.linalg.svd, A, compute_uv=False)


@shared_kernel("linalg_pinv")
def pinv(xp: Any, input: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    *batch, rows, columns = input.shape
    if not input.size:
        return xp.zeros((*batch, columns, rows), input.dtype)
    if hermitian:
        values, left = xp.linalg.eigh(input)
        right = left.conj().swapaxes(-1, -2)
    else:
        left, values, right = xp.linalg.svd(input, full_matrices=False)
    size = abs(values)
    kept = size > xp.maximum(atol[..., 0], rtol[..., 0] * size.max(-1, keepdims=True))
    inverse = xp.where(kept, 1 / xp.where(kept, values, 1), 0).astype(values.dtype)
    return xp.matmul(
        right.conj().swapaxes(-1, -2) * inverse[..., None, :], left.conj().swapaxes(-1, -2)
    )
