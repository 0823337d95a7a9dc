"""``cupy_backends.cuda.libs.cublas``: the products that lamella asks cuBLAS for itself."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_64F = 68, 70
_TYPES = {0: np.float32, 1: np.float64, 2: np.float16, 14: ml_dtypes.bfloat16}
_KINDS = {number: np.dtype(kind) for number, kind in _TYPES.items()}


def _matrices(
    address: int, kind: int, shape: tuple[int, int], leading: int, step: int, count: int
) -> np.ndarray:
    """Matrices stored by columns, over the memory at an address."""
    rows, columns = shape
    dtype = _KINDS[kind]
    size = dtype.itemsize * ((count - 1) * step + (columns - 1) * leading + rows)
    memory = (ctypes.c_uint8 * size).from_address(address)
    strides = (dtype.itemsize * step, dtype.itemsize, dtype.itemsize * leading)
    return np.ndarray((count, rows, columns), dtype, memory, 0, strides)


def gemmStridedBatchedEx(
    handle: int,
    transa: int,
    transb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    A: int,
    Atype: int,
    lda: int,
    strideA: int,
    B: int,
    Btype: int,
    ldb: int,
    strideB: int,
    beta: int,
    C: int,
    Ctype: int,
    ldc: int,
    strideC: int,
    batchCount: int,
    computeType: int,
    algo: int,
) -> None:
    """``C = A B``, or with a beta of 1 ``C + A B``; alpha is 1 here."""
    computed = np.float64 if Ctype == 1 else np.float32
    assert computeType == (CUBLAS_COMPUTE_64F if Ctype == 1 else CUBLAS_COMPUTE_32F)

    def operand(address: int, kind: int, turned: int, shape: Any, leading: int, step: int) -> Any:
        stored = shape[::-1] if turned else shape
        assert leading >= stored[0]
        found = _matrices(address, kind, stored, leading, step, batchCount).astype(computed)
        return found.transpose(0, 2, 1) if turned else found

    left = operand(A, Atype, transa, (m, k), lda, strideA)
    right = operand(B, Btype, transb, (k, n), ldb, strideB)
    result = _matrices(C, Ctype, (m, n), ldc, strideC, batchCount)
    of_beta = ctypes.c_double if Ctype == 1 else ctypes.c_float
    added = of_beta.from_address(beta).value
    assert added in (0, 1)
    result[...] = left @ right + result if added else left @ right


def gemmEx(
    handle: int,
    transa: int,
    transb: int,
    m: int,
    n: int,
    k: int,
    alpha: int,
    A: int,
    Atype: int,
    lda: int,
    B: int,
    Btype: int,
    ldb: int,
    beta: int,
    C: int,
    Ctype: int,
    ldc: int,
    computeType: int,
    algo: int,
) -> None:
    """One product of :func:`gemmStridedBatchedEx`."""
    gemmStridedBatchedEx(
        *(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B, Btype, ldb, 0, beta),
        *(C, Ctype, ldc, 0, 1, computeType, algo),
    )
