"""Reductions of floating numbers on CUDA that take several steps elsewhere.

The variance goes over its row twice, the extremum with its place once. Few and long rows, which
would leave most of the device idle, are left to the shared kernels.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import Lines, put_over, reduced_precision, takes

if TYPE_CHECKING:
    from collections.abc import Callable

# Of numbers that are equal the first is the extremum, and the first NaN before all others.
_EXTREMUM = """
#define BEYOND(x, y) ((x) SIGN (y))
__device__ __forceinline__ bool better(A x, long long i, A y, long long j) {
    if (x != x) return y == y || i < j;
    if (y != y) return false;
    return BEYOND(x, y) || (x == y && i < j);
}
#define TAKE(y, j) if (better(y, j, best, place)) { best = y; place = j; }
#define EXCHANGE                                                        \\
    for (int d = 16; d; d >>= 1) {                                      \\
        A y = __shfl_xor_sync(0xffffffffu, best, d);                    \\
        long long j = __shfl_xor_sync(0xffffffffu, place, d);           \\
        TAKE(y, j)                                                      \\
    }
__device__ void best_of_block(A &best, long long &place) {
    __shared__ A values[32];
    __shared__ long long places[32];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    EXCHANGE
    if (blockDim.x == 32) return;
    __syncthreads();
    if (!lane) { values[warp] = best; places[warp] = place; }
    __syncthreads();
    int from = lane < (blockDim.x >> 5) ? lane : 0;
    best = values[from];
    place = places[from];
    EXCHANGE
}
extern "C" __global__ void extremum(const T *x, T *values, long long *places, long long rows,
                                    long long length, long long inner) {
    ROWS(r, rows) {
        const T *from = x + BASE(r);
        A best = up(from[0]);
        long long place = 0;
        ELEMENTS(j) { A y = up(from[j * inner]); TAKE(y, j) }
        ALL_BEST(best, place);
        if (LEADER) { values[r] = down(best); places[r] = place; }
    }
}
"""
_LINES = {
    "max": Lines("#define SIGN >\n" + _EXTREMUM),
    "min": Lines("#define SIGN <\n" + _EXTREMUM),
}
VARIANCE = Lines("""
extern "C" __global__ void variance(const T *x, T *to, double degrees, long long root,
                                    long long rows, long long length, long long inner) {
    ROWS(r, rows) {
        const T *from = x + BASE(r);
        A sum = 0, squares = 0;
        ELEMENTS(j) sum += up(from[j * inner]);
        A mean = ALL_SUM(sum) / length;
        ELEMENTS(j) { A d = up(from[j * inner]) - mean; squares += d * d; }
        A found = ALL_SUM(squares) / (A)degrees;
        if (LEADER) to[r] = down(root ? sqrt(found) : found);
    }
}
""")
# So many rows, or so few elements, are worth a block or a thread for each row.
_ROWS = 64
_FEW = 1 << 14


def _axes(shape: tuple[int, ...], axis: Any) -> list[int]:
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return sorted(each % len(shape) for each in axes)


def _sizes(shape: tuple[int, ...], axis: Any) -> tuple[int, int, int] | None:
    """Rows, their length, the elements from one to the next; None where a row is no such line."""
    axes = _axes(shape, axis)
    if not axes or axes[-1] - axes[0] != len(axes) - 1:
        return None
    length = prod(shape[axes[0] : axes[-1] + 1])
    rows = prod(shape) // max(length, 1)
    if not rows * length or (rows < _ROWS and rows * length > _FEW):
        return None
    return rows, length, prod(shape[axes[-1] + 1 :])


def _kept(shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    axes = _axes(shape, axis)
    if keepdims:
        return tuple([1 if i in axes else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def _deviation(root: bool, below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, axis: Any, correction: float, keepdims: bool) -> Any:
        sizes = _sizes(input.shape, axis) if takes(input) and input.ndim else None
        if sizes is None:
            return below(input, axis, correction, keepdims)
        result = cupy.empty(_kept(input.shape, axis, keepdims), input.dtype)
        degrees = max(float(sizes[1] - correction), 0.0)
        VARIANCE.run(
            "variance", input.dtype.char, *sizes,
            cupy.ascontiguousarray(input), result, degrees, int(root),
        )  # fmt: skip
        return result

    return kernel


def _with_place(name: str, below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, axis: int, keepdims: bool) -> tuple[Any, Any]:
        sizes = _sizes(input.shape, axis) if takes(input) and input.ndim else None
        if sizes is None:
            return below(input, axis, keepdims)  # type: ignore[no-any-return]
        shape = _kept(input.shape, axis, keepdims)
        values, places = cupy.empty(shape, input.dtype), cupy.empty(shape, cupy.int64)
        _LINES[name].run(
            "extremum", input.dtype.char, *sizes, cupy.ascontiguousarray(input), values, places
        )
        return values, places

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones."""
    for name, root in (("var", False), ("std", True)):
        put_over(name, partial(_deviation, root))
    for name in _LINES:
        put_over(f"{name}_dim", partial(_with_place, name))
