"""Matrix products of real numbers by cuBLAS: those of float16 and bfloat16 are summed in float32.

CuPy has none for bfloat16, and copies what is not contiguous. cuBLAS counts columns first; a matrix
stored by rows is there its transpose, so ``C = A B`` is asked for as ``C' = B' A'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np
from cupy_backends.cuda.libs import cublas

from lamella_cuda_kernels.compiling import computed_type

if TYPE_CHECKING:
    from collections.abc import Callable

_IN_FLOAT = (cublas.CUBLAS_COMPUTE_32F, np.ones(1, np.float32), np.zeros(1, np.float32))
_IN_DOUBLE = (cublas.CUBLAS_COMPUTE_64F, np.ones(1), np.zeros(1))
# By the type's character: its cudaDataType_t, and what is computed in with 1 and 0.
_KINDS: dict[str, tuple[Any, ...]] = {
    "e": (2, *_IN_FLOAT),
    "E": (14, *_IN_FLOAT),
    "f": (0, *_IN_FLOAT),
    "d": (1, *_IN_DOUBLE),
}
_DEFAULT_ALGORITHM = -1


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """As ``numpy.dot``."""
    return matmul(a, b, out) if _takes(a, b) and b.ndim <= 2 else cupy.dot(a, b, out)


def _takes(a: Any, b: Any) -> bool:
    """Whether the arrays are of one type, and it is one of those here."""
    return a.dtype == b.dtype and a.dtype.char in _KINDS and a.ndim > 0 < b.ndim


def matmul(a: Any, b: Any, out: Any = None, *, wide: bool = False) -> Any:
    """As ``numpy.matmul``.

    Args:
        wide: whether the product of float16 or bfloat16 is float32, as it is summed.

    Raises:
        ValueError: for shapes that do not go together.
    """
    if not _takes(a, b):
        return cupy.matmul(a, b, out=out)
    if b.ndim == 1:
        return _given(matmul(a, b[:, None], wide=wide)[..., 0], out)
    if a.ndim == 1:
        return _given(matmul(a[None], b, wide=wide)[..., 0, :], out)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(f"shapes {a.shape} and {b.shape} do not go together")
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:
        result = matmul(a.reshape(-1, a.shape[-1]), b, wide=wide)
        return _given(result.reshape(*a.shape[:-1], b.shape[-1]), out)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-1])
    dtype = computed_type(a.dtype) if wide else a.dtype
    if out is not None and out.shape == shape and out.dtype == dtype and out.flags.c_contiguous:
        result = out
    else:
        result = cupy.empty(shape, dtype)
    if result.size and a.shape[-1]:
        _multiply(*_stacked(a, batch), *_stacked(b, batch), result)
    else:
        result.fill(0)
    return result if result is out else _given(result, out)


def _given(result: Any, out: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out


def _multiply(a: Any, a_repeats: bool, b: Any, b_repeats: bool, result: Any) -> None:
    rows, columns = result.shape[-2:]
    a_turned, a_stride, a = _layout(a)
    b_turned, b_stride, b = _layout(b)
    kind, computed, one, zero = _KINDS[a.dtype.char]
    cublas.gemmStridedBatchedEx(
        cupy.cuda.device.get_cublas_handle(), b_turned, a_turned, columns, rows, a.shape[-1],
        one.ctypes.data, b.data.ptr, kind, b_stride, _step(b, b_repeats),
        a.data.ptr, kind, a_stride, _step(a, a_repeats),
        zero.ctypes.data, result.data.ptr, _KINDS[result.dtype.char][0], columns, rows * columns,
        result.size // (rows * columns), computed, _DEFAULT_ALGORITHM,
    )  # fmt: skip


def by_weight(weight: Any, *, turned: bool, adds: bool) -> Callable[[int, int, int], None]:
    """A function that multiplies rows at an address with a matrix, for many calls in a row.

    Args:
        weight: of a type of those here, at least one element.
        turned: whether rows are multiplied with the transpose.
        adds: whether the products are added to what is there.

    Returns:
        ``multiply(rows, out, count)``, given the addresses of contiguous rows.
    """
    weight = cupy.ascontiguousarray(weight)
    lines, length = weight.shape
    inner, columns = (length, lines) if turned else (lines, length)
    kind, computed, one, zero = _KINDS[weight.dtype.char]
    multiply, turns, handle = cublas.gemmEx, int(turned), cupy.cuda.device.get_cublas_handle()
    alpha, beta = one.ctypes.data, (one if adds else zero).ctypes.data

    def by_rows(rows: int, out: int, count: int) -> None:
        multiply(
            handle, turns, 0, columns, count, inner, alpha, weight.data.ptr, kind, length,
            rows, kind, inner, beta, out, kind, columns, computed, _DEFAULT_ALGORITHM,
        )  # fmt: skip

    return by_rows


def _stacked(array: Any, batch: tuple[int, ...]) -> tuple[Any, bool]:
    """Matrices in one stack, and whether it is a single one, for every place of the batch."""
    matrix = array.shape[-2:]
    if array.ndim == 2 or array.size == matrix[0] * matrix[1]:
        return array.reshape(matrix), True
    if array.shape[:-2] != batch:
        array = cupy.broadcast_to(array, (*batch, *matrix))
    return (array if array.ndim == 3 else array.reshape(-1, *matrix)), False


def _step(matrices: Any, repeats: bool) -> int:
    return 0 if repeats else matrices.strides[0] // matrices.itemsize


def _layout(array: Any) -> tuple[int, int, Any]:
    """Whether the matrices are stored by columns, the elements from line to line, and they."""
    rows, columns = array.shape[-2:]
    across, along = (stride // array.itemsize for stride in array.strides[-2:])
    if along == 1 and across >= columns:
        return 0, across, array
    if across == 1 and along >= rows:
        return 1, along, array
    return 0, columns, cupy.ascontiguousarray(array)
