"""Matrix products of real numbers by cuBLAS: those of float16 and bfloat16 are summed in float32.

CuPy has none for bfloat16, and copies what is not contiguous. cuBLAS counts columns first; a matrix
stored by rows is there its transpose, so ``C = A B`` is asked for as ``C' = B' A'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np
from cupy_backends.cuda.libs import cublas

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import VECTORS, computed_type, each_vector, takes

if TYPE_CHECKING:
    from collections.abc import Callable

_FACTORS = [np.array([1, 0], dtype) for dtype in (np.float32, np.float64)]
_IN_FLOAT, _IN_DOUBLE = (
    (computed, factors.ctypes.data, factors.ctypes.data + factors.itemsize)
    for computed, factors in zip(
        (cublas.CUBLAS_COMPUTE_32F, cublas.CUBLAS_COMPUTE_64F), _FACTORS, strict=True
    )
)
# By the type's character: its cudaDataType_t, what is computed in, the addresses of 1 and 0.
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
    single = a.ndim == b.ndim == 2
    batch = a.shape[:-2]
    if b.shape[:-2] != batch:
        batch = np.broadcast_shapes(batch, b.shape[:-2])
    shape = (*batch, a.shape[-2], b.shape[-1])
    dtype = computed_type(a.dtype) if wide else a.dtype
    if out is not None and out.shape == shape and out.dtype == dtype and out.flags.c_contiguous:
        result = out
    else:
        result = cupy.empty(shape, dtype)
    if not (result.size and a.shape[-1]):
        result.fill(0)
    elif single:
        _multiply_single(a, b, result)
    else:
        _multiply(*_stacked(a, batch), *_stacked(b, batch), result)
    return result if result is out else _given(result, out)


def _given(result: Any, out: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out


def _multiply_single(a: Any, b: Any, result: Any) -> None:
    a_turned, a_stride, a = _layout(a)
    b_turned, b_stride, b = _layout(b)
    rows, columns = result.shape
    kind, computed, one, zero = _KINDS[a.dtype.char]
    cublas.gemmEx(
        cupy.cuda.device.get_cublas_handle(), b_turned, a_turned, columns, rows, a.shape[1],
        one, b.data.ptr, kind, b_stride, a.data.ptr, kind, a_stride,
        zero, result.data.ptr, _KINDS[result.dtype.char][0], columns, computed,
        _DEFAULT_ALGORITHM,
    )  # fmt: skip


def _multiply(a: Any, a_repeats: bool, b: Any, b_repeats: bool, result: Any) -> None:
    rows, columns = result.shape[-2:]
    a_turned, a_stride, a = _layout(a)
    b_turned, b_stride, b = _layout(b)
    kind, computed, one, zero = _KINDS[a.dtype.char]
    cublas.gemmStridedBatchedEx(
        cupy.cuda.device.get_cublas_handle(), b_turned, a_turned, columns, rows, a.shape[-1],
        one, b.data.ptr, kind, b_stride, _step(b, b_repeats),
        a.data.ptr, kind, a_stride, _step(a, a_repeats),
        zero, result.data.ptr, _KINDS[result.dtype.char][0], columns, rows * columns,
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
    beta = one if adds else zero

    def by_rows(rows: int, out: int, count: int) -> None:
        multiply(
            handle, turns, 0, columns, count, inner, one, weight.data.ptr, kind, length,
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
    size = array.itemsize
    across, along = array.strides[-2] // size, array.strides[-1] // size
    if along == 1 and across >= columns:
        return 0, across, array
    if across == 1 and along >= rows:
        return 1, along, array
    return 0, columns, cupy.ascontiguousarray(array)


_BIAS = (
    VECTORS
    + """
extern "C" __global__ void add_to_rows(const T *bias, T *to, long long columns, long long count) {
    long long vectors = 0, each = columns / WIDTH;
    if (columns % WIDTH == 0 && !(((size_t)bias | (size_t)to) & 15)) vectors = count / WIDTH;
    EACH(i, vectors) {
        long long j = i >> 32 | each >> 32 ? i % each : (unsigned int)i % (unsigned int)each;
        Vector result = ((const Vector *)to)[i];
        const Vector added = ((const Vector *)bias)[j];
        for (int k = 0; k < WIDTH; k++) result.at[k] = down(up(result.at[k]) + up(added.at[k]));
        ((Vector *)to)[i] = result;
    }
    EACH(n, count - vectors * WIDTH) {
        long long i = vectors * WIDTH + n;
        to[i] = down(up(to[i]) + up(bias[i % columns]));
    }
}
"""
)


def linear(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(input: Any, weight: Any, bias: Any) -> Any:
        plain = weight.ndim == 2 and input.ndim > 0 and takes(input, weight)
        if not plain or input.shape[-1] != weight.shape[1] or not input.size:
            return below(input, weight, bias)
        if bias is not None and (bias.shape != weight.shape[:1] or bias.dtype != input.dtype):
            return below(input, weight, bias)
        lines, columns = weight.shape
        flat = matmul(input if input.ndim == 2 else input.reshape(-1, columns), weight.T)
        if bias is not None:
            each_vector(
                _BIAS, "add_to_rows", flat.dtype, flat.size,
                cupy.ascontiguousarray(bias), flat, lines,
            )  # fmt: skip
        return flat if input.ndim == 2 else flat.reshape(*input.shape[:-1], lines)

    return kernel


def register() -> None:
    """Puts the kernel over the shared one."""
    override_kernel("linear", linear, "cuda")
