"""Sorting along a dimension, and the largest or smallest of it, on CUDA.

A block of threads sorts a row in shared memory by a bitonic network (Batcher, 1968), which compares
places where numbers are equal and so is stable. Rows that are too long for that are left to CuPy;
the k largest of them are those among the k largest of each piece. Few of a row are found one after
another, in registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import (
    can_be_held,
    compiled,
    each_held_row,
    put_over,
    reduced_precision,
    takes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Keys and places of so many elements are within a block's 48 KB: of float, and of double.
_WIDTHS = {"f": 4096, "e": 4096, "E": 4096, "d": 2048}
# Of longer rows at most so many are chosen, and from so many pieces: each has more than these.
_MOST_CHOSEN = 256
_MOST_PIECES = 512
_MOST_BLOCKS = 1 << 20

# Row r is piece ``r % pieces`` of a row of ``length`` elements; ``kept`` of it are written.
_SOURCE = """
__shared__ A keys[WIDTH];
__shared__ int places[WIDTH];
__device__ bool below(A x, A y) { return (y != y && x == x) || x < y; }
__device__ bool before(int i, int j, int size, bool descending) {
    int left = places[i], right = places[j];
    if (left < size && right < size) {
        A x = descending ? keys[j] : keys[i], y = descending ? keys[i] : keys[j];
        if (below(x, y)) return true;
        if (below(y, x)) return false;
    }
    return left < right;
}
extern "C" __global__ void sorted(const T *x, T *values, long long *order, long long rows,
                                  long long length, long long pieces, long long kept,
                                  long long descending) {
    long long piece = (length + pieces - 1) / pieces;
    EACH_BLOCK(r, rows) {
        long long start = r % pieces * piece;
        const T *from = x + r / pieces * length + start;
        int size = length - start < piece ? length - start : piece;
        for (int i = threadIdx.x; i < WIDTH; i += blockDim.x) {
            keys[i] = i < size ? up(from[i]) : 0;
            places[i] = i;
        }
        __syncthreads();
        for (int run = 2; run <= WIDTH; run *= 2)
            for (int step = run / 2; step; step /= 2) {
                for (int t = threadIdx.x; t < WIDTH / 2; t += blockDim.x) {
                    int i = 2 * t - (t & (step - 1)), j = i + step;
                    if (before(j, i, size, descending) == !(i & run)) {
                        A key = keys[i]; keys[i] = keys[j]; keys[j] = key;
                        int place = places[i]; places[i] = places[j]; places[j] = place;
                    }
                }
                __syncthreads();
            }
        for (int i = threadIdx.x; i < kept; i += blockDim.x) {
            values[r * kept + i] = from[places[i]];
            order[r * kept + i] = start + places[i];
        }
        __syncthreads();
    }
}
"""

# Of what a thread holds and has not given, the first of the best; then that of the block.
_FEW_CHOSEN = 16
_CHOOSING = """
__device__ bool below(A x, A y) { return (y != y && x == x) || x < y; }
#define NONE 0x7fffffff
#define TAKE(y, j)                                                                     \\
    if (j != NONE && (place == NONE || (descending ? below(best, y) : below(y, best))     \\
                      || (j < place && !(descending ? below(y, best) : below(best, y))))) \\
        { best = y; place = j; }
#define EXCHANGE                                                                       \\
    for (int d = 16; d; d >>= 1) {                                                     \\
        A y = __shfl_xor_sync(0xffffffffu, best, d);                                   \\
        int j = __shfl_xor_sync(0xffffffffu, place, d);                                \\
        TAKE(y, j)                                                                     \\
    }
extern "C" __global__ void chosen(const T *x, T *values, long long *order, long long rows,
                                  long long length, long long kept, long long descending) {
    __shared__ A tops[32];
    __shared__ int at[32];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    EACH_BLOCK(r, rows) {
        const T *from = x + r * length;
        A held[HELD];
        unsigned int given = 0;
        for (int k = 0; k < HELD; k++) {
            held[k] = PLACE(k) < length ? up(from[PLACE(k)]) : 0;
            given |= (unsigned int)(PLACE(k) >= length) << k;
        }
        for (int n = 0; n < kept; n++) {
            A best = 0;
            int place = NONE;
            for (int k = 0; k < HELD; k++) {
                int j = given >> k & 1 ? NONE : (int)PLACE(k);
                TAKE(held[k], j)
            }
            EXCHANGE
            __syncthreads();
            if (!lane) { tops[warp] = best; at[warp] = place; }
            __syncthreads();
            best = tops[lane < warps ? lane : 0];
            place = at[lane < warps ? lane : 0];
            EXCHANGE
            if (place % blockDim.x == threadIdx.x) given |= 1u << place / blockDim.x;
            if (!threadIdx.x) {
                values[r * kept + n] = from[place];
                order[r * kept + n] = place;
            }
        }
    }
}
"""


def source_of(width: int) -> str:
    return f"#define WIDTH {width}\n{_SOURCE}"


def _sorted(rows: Any, kept: int, descending: bool, pieces: int = 1) -> tuple[Any, Any]:
    """The first ``kept`` of each piece of each row in order, and their places in the row."""
    count, length = rows.shape
    values = cupy.empty((count, pieces * kept), rows.dtype)
    order = cupy.empty(values.shape, cupy.int64)
    width = max(32, 1 << (-(-length // pieces) - 1).bit_length())
    kernel = compiled(source_of(width), "sorted", rows.dtype.char)
    blocks, threads = min(count * pieces, _MOST_BLOCKS), min(1024, max(32, width // 2))
    sizes = (count * pieces, length, pieces, kept, int(descending))
    kernel((blocks,), (threads,), (rows, values, order, *sizes))
    return values, order


def _few_chosen(rows: Any, k: int, largest: bool) -> tuple[Any, Any]:
    count, length = rows.shape
    values = cupy.empty((count, k), rows.dtype)
    order = cupy.empty(values.shape, cupy.int64)
    sizes = (count, length, k, int(largest))
    each_held_row(_CHOOSING, "chosen", rows.dtype.char, count, length, rows, values, order, *sizes)
    return values, order


def _chosen(rows: Any, k: int, largest: bool) -> tuple[Any, Any]:
    widest = _WIDTHS[rows.dtype.char]
    length = rows.shape[1]
    if k <= _FEW_CHOSEN and can_be_held(length):
        return _few_chosen(rows, k, largest)
    if length <= widest:
        return _sorted(rows, k, largest)
    pieces = -(-length // widest)
    values, order = _sorted(rows, k, largest, pieces)
    values, among = _chosen(values, k, largest)
    return values, cupy.take_along_axis(order, among, 1)


def _along(input: Any, axis: int, sort: Callable[[Any], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Sorts the rows along a dimension, and puts the results in its place."""
    moved = cupy.moveaxis(input, axis, -1)
    results = sort(cupy.ascontiguousarray(moved).reshape(-1, moved.shape[-1]))
    shaped = (each.reshape(*moved.shape[:-1], each.shape[-1]) for each in results)
    values, order = (cupy.ascontiguousarray(cupy.moveaxis(each, -1, axis)) for each in shaped)
    return values, order


def _sort(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def sort(input: Any, axis: int, descending: bool) -> tuple[Any, Any]:
        if takes(input) and input.ndim and 0 < input.shape[axis] <= _WIDTHS[input.dtype.char]:
            length = input.shape[axis]
            return _along(input, axis, lambda rows: _sorted(rows, length, descending))
        return below(input, axis, descending)

    return sort


def _topk(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def topk(input: Any, k: int, axis: int, largest: bool) -> tuple[Any, Any]:
        if takes(input) and input.ndim and input.size and k:
            widest = _WIDTHS[input.dtype.char]
            length = input.shape[axis]
            if length <= widest or (k <= _MOST_CHOSEN and length <= _MOST_PIECES * widest):
                return _along(input, axis, lambda rows: _chosen(rows, k, largest))
        return below(input, k, axis, largest)

    return topk


def register() -> None:
    """Puts the kernels over the shared ones."""
    put_over("sort", _sort)
    put_over("topk", _topk)
