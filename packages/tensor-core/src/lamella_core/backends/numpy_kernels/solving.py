"""Determinants on the CPU, and least squares by LAPACK's drivers through SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_kernels.decomposition import lapack
from lamella_core.dispatch import register_kernel
from lamella_core.extras import scipy_module
from lamella_core.ops.matrix_checks import LinAlgError


def det(input: np.ndarray) -> np.ndarray:
    # NumPy's own function reports an overflow, which is no news in a determinant.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.linalg.det(input)


def lstsq(A: np.ndarray, B: np.ndarray, rcond: float, driver: str) -> Any:
    driver = driver or "gelsy"
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    rows, columns = A.shape[-2:]
    A = np.broadcast_to(A, batch + (rows, columns))
    B = np.broadcast_to(B, batch + B.shape[-2:])
    real = A.real.dtype
    solution = np.zeros((*batch, columns, B.shape[-1]), A.dtype)
    residuals = np.zeros((*batch, B.shape[-1]), real)
    ranks = np.zeros(batch, np.int64)
    singular_values = np.zeros((*batch, min(rows, columns)), real)
    with_residuals = rows > columns and driver != "gelsy"
    for place in np.ndindex(*batch):
        if A.size and driver == "gels":
            solution[place] = _full_rank(A[place], B[place])
        elif A.size:
            solution[place], ranks[place], values = _any_rank(A[place], B[place], rcond, driver)
            if values is not None:
                singular_values[place] = values
        if with_residuals:
            difference = A[place] @ solution[place]
            difference -= B[place]
            difference = abs(difference)
            difference *= difference
            residuals[place] = difference.sum(-2)
    if not (with_residuals and (driver == "gels" or (ranks == columns).all())):
        residuals = np.empty((0,), real)
    if driver == "gels":
        ranks = np.empty((0,), np.int64)
    if driver in ("gels", "gelsy"):
        singular_values = np.empty((0,), real)
    return solution, residuals, ranks, singular_values


def _full_rank(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    rows, columns = A.shape
    padded = (
        B if rows >= columns else np.vstack([B, np.zeros((columns - rows, B.shape[1]), B.dtype)])
    )
    _, solution, info = lapack("gels", A.dtype)(A, padded)
    if info:
        raise LinAlgError(
            f"torch.linalg.lstsq: The least squares solution could not be computed because the "
            f"input matrix does not have full rank (diagonal element {info} is zero); use another "
            f"driver than 'gels'"
        )
    return solution[:columns]


def _any_rank(A: np.ndarray, B: np.ndarray, rcond: float, driver: str) -> Any:
    solution, _, rank, values = scipy_module("linalg").lstsq(
        A, B, cond=rcond, check_finite=False, lapack_driver=driver
    )
    return solution, rank, values


register_kernel("linalg_det", det, "cpu")
register_kernel("linalg_lstsq", lstsq, "cpu")
