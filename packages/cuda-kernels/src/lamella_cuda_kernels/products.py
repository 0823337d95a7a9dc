"""Matrix products of float16 and bfloat16 by cuBLAS: tensor cores, sums in float32.

CuPy has none for bfloat16. cuBLAS counts columns first; a matrix stored by rows is there its
transpose, so ``C = A B`` is asked for as ``C' = B' A'``.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
from cupy_backends.cuda.libs import cublas

# cudaDataType_t: CUDA_R_16F and CUDA_R_16BF.
_KINDS = {"float16": 2, "bfloat16": 14}
_DEFAULT_ALGORITHM = -1
_ONE, _ZERO = (np.array(value, np.float32) for value in (1, 0))


def is_half(array: Any) -> bool:
    return array.dtype.itemsize == 2 and array.dtype.name in _KINDS


def matmul(a: Any, b: Any, out: Any = None) -> Any:
    """The product of arrays of one of the types, in the shapes that ``numpy.matmul`` takes.

    Raises:
        ValueError: for shapes that do not go together.
    """
    if out is not None:
        out[...] = matmul(a, b)
        return out
    if b.ndim == 1:
        return matmul(a, b[:, None])[..., 0]
    if a.ndim == 1:
        return matmul(a[None], b)[..., 0, :]
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(f"shapes {a.shape} and {b.shape} do not go together")
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    result = cupy.empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    if not result.size or not a.shape[-1]:
        result.fill(0)
        return result
    a, a_step = _stacked(a, batch)
    b, b_step = _stacked(b, batch)
    rows, columns = result.shape[-2:]
    a_turned, a_stride, a = _layout(a)
    b_turned, b_stride, b = _layout(b)
    kind = _KINDS[a.dtype.name]
    cublas.gemmStridedBatchedEx(
        cupy.cuda.device.get_cublas_handle(), b_turned, a_turned, columns, rows, a.shape[-1],
        _ONE.ctypes.data, b.data.ptr, kind, b_stride, b_step(b), a.data.ptr, kind, a_stride,
        a_step(a), _ZERO.ctypes.data, result.data.ptr, kind, columns, rows * columns,
        result.size // (rows * columns), cublas.CUBLAS_COMPUTE_32F, _DEFAULT_ALGORITHM,
    )  # fmt: skip
    return result


def _stacked(array: Any, batch: tuple[int, ...]) -> tuple[Any, Any]:
    """Matrices in one stack, and what gives the elements from one to the next."""
    if array.size == array.shape[-2] * array.shape[-1]:
        return array.reshape(array.shape[-2:]), lambda matrix: 0
    stack = cupy.broadcast_to(array, (*batch, *array.shape[-2:])).reshape(-1, *array.shape[-2:])
    return stack, lambda matrices: matrices.strides[0] // matrices.itemsize


def _layout(array: Any) -> tuple[int, int, Any]:
    """Whether the matrices are stored by columns, the elements from line to line, and they."""
    rows, columns = array.shape[-2:]
    across, along = (stride // array.itemsize for stride in array.strides[-2:])
    if along == 1 and across >= columns:
        return 0, across, array
    if across == 1 and along >= rows:
        return 1, along, array
    return 0, columns, cupy.ascontiguousarray(array)
