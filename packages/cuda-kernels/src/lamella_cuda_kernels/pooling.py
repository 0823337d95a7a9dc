"""Pooling on CUDA: each thread makes one element of the result, forward and backward.

Kernels are written for three pooled dimensions; fewer have sizes of 1 before them.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import (
    computed_type,
    each_element,
    put_over,
    reduced_precision,
    takes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Sizes = tuple[int, ...]

# Numbered 0 to 2: sizes n of the input and m of the result, windows of k elements, d apart, that
# begin s apart, p before the input's start.
_NUMBERS = "nmkspd"
_SOURCE = (
    "#define WINDOWS "
    + ", ".join(f"I {name}{axis}" for name in _NUMBERS for axis in range(3))
    + """
// The places in the result of number i, and its row.
#define PLACES(i, m) I o2 = (I)i % m##2, o1 = (I)i / m##2 % m##1,       \\
                       o0 = (I)i / (m##2 * m##1) % m##0, row = (I)i / (m##2 * m##1 * m##0);
__device__ __forceinline__ I first_of(I o, I s, I p, I d) {
    I at = o * s - p;
    return at < 0 ? at + (d - 1 - at) / d * d : at;
}
__device__ __forceinline__ I end_of(I o, I s, I p, I d, I k, I n) {
    I end = o * s - p + (k - 1) * d + 1;
    return end < n ? end : n;
}
__device__ __forceinline__ I counted(I o, I n, I k, I s, I p, I pads) {
    I start = o * s - p, end = start + k;
    if (end > n + p) end = n + p;
    if (!pads) {
        if (start < 0) start = 0;
        if (end > n) end = n;
    }
    return end - start;
}
#define DIVISOR (divisor ? (A)divisor                                       \\
    : (A)counted(o0, n0, k0, s0, p0, pads) * counted(o1, n1, k1, s1, p1, pads) \\
      * counted(o2, n2, k2, s2, p2, pads))

extern "C" __global__ void max_pool(const T *x, T *y, long long *indices, long long keeps,
                                    long long count, WINDOWS) {
    EACH(i, count) {
        PLACES(i, m)
        const T *from = x + (long long)row * n0 * n1 * n2;
        I f0 = first_of(o0, s0, p0, d0), e0 = end_of(o0, s0, p0, d0, k0, n0);
        I f1 = first_of(o1, s1, p1, d1), e1 = end_of(o1, s1, p1, d1, k1, n1);
        I f2 = first_of(o2, s2, p2, d2), e2 = end_of(o2, s2, p2, d2, k2, n2);
        A best = -INF;
        I chosen = (f0 * n1 + f1) * n2 + f2;
        // Of equal elements the first is chosen, of several NaN the last.
        for (I a = f0; a < e0; a += d0)
            for (I b = f1; b < e1; b += d1)
                for (I c = f2; c < e2; c += d2) {
                    I place = (a * n1 + b) * n2 + c;
                    A value = up(from[place]);
                    if (value > best || value != value) { best = value; chosen = place; }
                }
        y[i] = down(best);
        if (keeps) indices[i] = chosen;
    }
}
extern "C" __global__ void avg_pool(const T *x, T *y, long long divisor, I pads, long long count,
                                    WINDOWS) {
    EACH(i, count) {
        PLACES(i, m)
        const T *from = x + (long long)row * n0 * n1 * n2;
        I f0 = first_of(o0, s0, p0, 1), e0 = end_of(o0, s0, p0, 1, k0, n0);
        I f1 = first_of(o1, s1, p1, 1), e1 = end_of(o1, s1, p1, 1, k1, n1);
        I f2 = first_of(o2, s2, p2, 1), e2 = end_of(o2, s2, p2, 1, k2, n2);
        A sum = 0;
        for (I a = f0; a < e0; a++)
            for (I b = f1; b < e1; b++)
                for (I c = f2; c < e2; c++) sum += up(from[(a * n1 + b) * n2 + c]);
        y[i] = down(sum / DIVISOR);
    }
}
// The windows that an element of the input lies in.
#define FIRST_WINDOW(q, k, s, p) (q + p < k ? 0 : (q + p - k) / s + 1)
#define END_OF_WINDOWS(q, s, p, m) ((q + p) / s + 1 < m ? (q + p) / s + 1 : m)
extern "C" __global__ void avg_pool_backward(const T *grad, T *to, long long divisor, I pads,
                                             long long count, WINDOWS) {
    EACH(i, count) {
        I q2 = (I)i % n2, q1 = (I)i / n2 % n1, q0 = (I)i / (n2 * n1) % n0;
        I row = (I)i / (n2 * n1 * n0);
        const T *from = grad + (long long)row * m0 * m1 * m2;
        I e0 = END_OF_WINDOWS(q0, s0, p0, m0), e1 = END_OF_WINDOWS(q1, s1, p1, m1);
        I e2 = END_OF_WINDOWS(q2, s2, p2, m2);
        A sum = 0;
        for (I o0 = FIRST_WINDOW(q0, k0, s0, p0); o0 < e0; o0++)
            for (I o1 = FIRST_WINDOW(q1, k1, s1, p1); o1 < e1; o1++)
                for (I o2 = FIRST_WINDOW(q2, k2, s2, p2); o2 < e2; o2++)
                    sum += up(from[(o0 * m1 + o1) * m2 + o2]) / DIVISOR;
        to[i] = down(sum);
    }
}
"""
)
SMALL = "typedef int I;\n" + _SOURCE
LARGE = "typedef long long I;\n" + _SOURCE
# An index of the whole input or result, and of a window beyond its end, is a small number.
_SMALL = 1 << 30

SCATTER = """
extern "C" __global__ void put_flat(const T *x, const long long *places, T *to, long long count,
                                    long long row, long long length) {
    EACH(i, count) {
        long long place = places[i];
        if (place >= 0 && place < length) to[i / row * length + place] = x[i];
    }
}
extern "C" __global__ void add_flat(const T *x, const long long *places, A *to, long long count,
                                    long long row, long long length) {
    EACH(i, count) {
        long long place = places[i];
        if (place >= 0 && place < length) atomicAdd(to + i / row * length + place, up(x[i]));
    }
}
"""


def _windows(
    sizes: Sizes, out: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> tuple[Sizes, ...]:
    """The kernels' numbers, for three dimensions."""
    fill = (1,) * (3 - len(kernel))
    none = (0,) * (3 - len(kernel))
    return (
        (*fill, *sizes), (*fill, *out), (*fill, *kernel), (*fill, *stride), (*none, *padding),
        (*fill, *dilation),
    )  # fmt: skip


def _pooled(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Sizes:
    """How many windows there are; rounded up, the last begins in the input or in what is before."""
    out = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        rest = n + 2 * p - d * (k - 1) - 1
        count = (-(-rest // s) if ceil_mode else rest // s) + 1
        out.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)
    return tuple(out)


def _run(name: str, dtype: Any, count: int, largest: int, windows: Any, *args: Any) -> None:
    small = largest < _SMALL
    number = cupy.int32 if small else cupy.int64
    flags = tuple(number(each) if isinstance(each, bool) else each for each in args)
    numbers = [number(each) for sizes in windows for each in sizes]
    each_element(SMALL if small else LARGE, name, dtype.char, count, *flags, count, *numbers)


def _max_pool(
    input: Any, places: bool, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes,
    ceil_mode: bool,
) -> tuple[Any, Any]:  # fmt: skip
    sizes, lead = input.shape[-len(kernel) :], input.shape[: -len(kernel)]
    out = _pooled(sizes, kernel, stride, padding, dilation, ceil_mode)
    result = cupy.empty((*lead, *out), input.dtype)
    indices = cupy.empty((*lead, *out) if places else (1,), cupy.int64)
    _run(
        "max_pool", input.dtype, result.size, max(result.size, input.size),
        _windows(sizes, out, kernel, stride, padding, dilation),
        cupy.ascontiguousarray(input), result, indices, int(places),
    )  # fmt: skip
    return result, indices


def max_pool_with_indices(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, *how: Any) -> tuple[Any, Any]:
        if takes(input) and input.size:
            return _max_pool(input, True, *how)
        return below(input, *how)  # type: ignore[no-any-return]

    return kernel


def max_pool(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, *how: Any) -> Any:
        if takes(input) and input.size:
            return _max_pool(input, False, *how)[0]
        return below(input, *how)

    return kernel


def avg_pool(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        input: Any,
        kernel: Sizes,
        stride: Sizes,
        padding: Sizes,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Any:
        if not (takes(input) and input.size) or divisor_override == 0:
            return below(
                input, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
            )
        ones = (1,) * len(kernel)
        sizes, lead = input.shape[-len(kernel) :], input.shape[: -len(kernel)]
        out = _pooled(sizes, kernel, stride, padding, ones, ceil_mode)
        result = cupy.empty((*lead, *out), input.dtype)
        _run(
            "avg_pool", input.dtype, result.size, max(result.size, input.size),
            _windows(sizes, out, kernel, stride, padding, ones),
            cupy.ascontiguousarray(input), result, divisor_override or 0, bool(count_include_pad),
        )  # fmt: skip
        return result

    return kernel


def avg_pool_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        grad: Any,
        sizes: Sizes,
        kernel: Sizes,
        stride: Sizes,
        padding: Sizes,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Any:
        if not (takes(grad) and grad.size) or divisor_override == 0:
            return below(grad, sizes, kernel, stride, padding, count_include_pad, divisor_override)
        out, lead = grad.shape[-len(kernel) :], grad.shape[: -len(kernel)]
        result = cupy.empty((*lead, *sizes), grad.dtype)
        _run(
            "avg_pool_backward", grad.dtype, result.size, max(result.size, grad.size),
            _windows(tuple(sizes), out, kernel, stride, padding, (1,) * len(kernel)),
            cupy.ascontiguousarray(grad), result, divisor_override or 0, bool(count_include_pad),
        )  # fmt: skip
        return result

    return kernel


def put_flat(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, indices: Any, sizes: Sizes, accumulate: bool) -> Any:
        if not (takes(input) and input.size and indices.dtype == cupy.int64):
            return below(input, indices, sizes, accumulate)
        dtype = computed_type(input.dtype) if accumulate else input.dtype
        dims = len(sizes)
        result = cupy.zeros((*input.shape[:-dims], *sizes), dtype)
        each_element(
            SCATTER, "add_flat" if accumulate else "put_flat", input.dtype.char, input.size,
            cupy.ascontiguousarray(input), cupy.ascontiguousarray(indices), result, input.size,
            prod(input.shape[-dims:]), prod(sizes),
        )  # fmt: skip
        return result.astype(input.dtype, copy=False)

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones, which are above this package."""
    for override in (max_pool_with_indices, max_pool, avg_pool, avg_pool_backward):
        put_over(override.__name__, override)
    override_kernel("put_flat", put_flat, "cuda")
