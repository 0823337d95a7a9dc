"""Factorizations on the CPU that NumPy has not: SciPy's LAPACK, one matrix after another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import by_matrices
from lamella_core.dispatch import override_kernel, register_kernel
from lamella_core.extras import scipy_module
from lamella_core.kernels.decomposition import lu_parts

if TYPE_CHECKING:
    from collections.abc import Callable


def lapack(name: str, dtype: np.dtype) -> Callable[..., Any]:
    # LAPACK's routine of that name for an element type.
    return getattr(scipy_module("linalg.lapack"), "sdcz"["fdFD".index(dtype.char)] + name)


def lu_factor_ex(A: np.ndarray) -> Any:
    *batch, rows, columns = A.shape
    packed = np.empty(A.shape, A.dtype)
    pivots = np.empty((*batch, min(rows, columns)), np.int32)
    info = np.zeros(batch, np.int32)
    if A.size:
        getrf = lapack("getrf", A.dtype)
        for place in np.ndindex(*batch):
            packed[place], swaps, info[place] = getrf(A[place])
            pivots[place] = swaps + 1
    return packed, pivots, info


def lu(A: np.ndarray) -> Any:
    return lu_parts(np, *lu_factor_ex(A)[:2])


def ldl_factor_ex(A: np.ndarray, hermitian: bool) -> Any:
    packed = np.empty(A.shape, A.dtype)
    pivots = np.empty(A.shape[:-1], np.int32)
    info = np.zeros(A.shape[:-2], np.int32)
    if A.size:
        name = "hetrf" if hermitian and A.dtype.kind == "c" else "sytrf"
        factor = lapack(name, A.dtype)
        work, _ = lapack(f"{name}_lwork", A.dtype)(A.shape[-1], lower=1)
        for place in np.ndindex(*A.shape[:-2]):
            packed[place], pivots[place], info[place] = factor(
                A[place], lower=1, lwork=int(work.real)
            )
    return np.tril(packed), pivots, info


def ldl_solve(LD: np.ndarray, pivots: np.ndarray, B: np.ndarray, hermitian: bool) -> np.ndarray:
    batch = np.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    solution = np.empty(batch + B.shape[-2:], B.dtype)
    if not solution.size:
        return solution
    solve = lapack("hetrs" if hermitian and LD.dtype.kind == "c" else "sytrs", LD.dtype)
    LD = np.broadcast_to(LD, batch + LD.shape[-2:])
    pivots = np.broadcast_to(pivots, batch + pivots.shape[-1:])
    B = np.broadcast_to(B, solution.shape)
    for place in np.ndindex(*batch):
        solution[place], _ = solve(LD[place], pivots[place], B[place], lower=1)
    return solution


for _count, _names in (
    (
        1,
        "geqrf cholesky_inverse linalg_cholesky_ex linalg_qr linalg_inv_ex "
        "linalg_det linalg_slogdet linalg_eigh linalg_eigvalsh linalg_eig "
        "linalg_eigvals linalg_svd linalg_svdvals linalg_matrix_exp linalg_ldl_factor_ex",
    ),
    (2, "cholesky_solve linalg_solve_ex linalg_solve_triangular"),
    (3, "apply_reflections linalg_lu_solve linalg_pinv"),
):
    for _name in _names.split():
        override_kernel(_name, partial(by_matrices, _count), "cpu")
register_kernel("linalg_lu_factor_ex", lu_factor_ex, "cpu")
register_kernel("linalg_lu", lu, "cpu")
register_kernel("linalg_ldl_factor_ex", ldl_factor_ex, "cpu")
register_kernel("linalg_ldl_solve", ldl_solve, "cpu")
