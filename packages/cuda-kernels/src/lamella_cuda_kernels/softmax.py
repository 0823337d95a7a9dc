"""Softmax and its logarithm on CUDA, over any dimension: one launch each."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import (
    Lines,
    can_be_held,
    each_held_row,
    put_over,
    reduced_precision,
    takes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = Lines("""
extern "C" __global__ void softmax(const T *x, T *y, long long rows, long long length,
                                   long long inner) {
    ROWS(r, rows) {
        const T *from = x + BASE(r);
        T *to = y + BASE(r);
        A top = -INF, total = 0;
        ELEMENTS(j) top = larger(up(from[j * inner]), top);
        top = ALL_MAX(top);
        ELEMENTS(j) total += exp(up(from[j * inner]) - top);
        total = ALL_SUM(total);
        A share = 1 / total;
        ELEMENTS(j) to[j * inner] = down(exp(up(from[j * inner]) - top) * share);
    }
}
extern "C" __global__ void log_softmax(const T *x, T *y, long long rows, long long length,
                                       long long inner) {
    ROWS(r, rows) {
        const T *from = x + BASE(r);
        T *to = y + BASE(r);
        A top = -INF, total = 0;
        ELEMENTS(j) top = larger(up(from[j * inner]), top);
        top = ALL_MAX(top);
        ELEMENTS(j) total += exp(up(from[j * inner]) - top);
        A less = log(ALL_SUM(total));
        ELEMENTS(j) to[j * inner] = down(up(from[j * inner]) - top - less);
    }
}
extern "C" __global__ void softmax_backward(const T *grad, const T *y, T *to, long long rows,
                                            long long length, long long inner) {
    ROWS(r, rows) {
        long long base = BASE(r);
        A total = 0;
        ELEMENTS(j) total += up(grad[base + j * inner]) * up(y[base + j * inner]);
        total = ALL_SUM(total);
        ELEMENTS(j) {
            long long i = base + j * inner;
            to[i] = down((up(grad[i]) - total) * up(y[i]));
        }
    }
}
extern "C" __global__ void log_softmax_backward(const T *grad, const T *y, T *to, long long rows,
                                                long long length, long long inner) {
    ROWS(r, rows) {
        long long base = BASE(r);
        A total = 0;
        ELEMENTS(j) total += up(grad[base + j * inner]);
        total = ALL_SUM(total);
        ELEMENTS(j) {
            long long i = base + j * inner;
            to[i] = down(up(grad[i]) - exp(up(y[i])) * total);
        }
    }
}
""")

# The same for rows of neighbouring elements, each read once.
_HELD = """
#define START                                                           \\
    const T *from = x + r * length;                                     \\
    T *to = y + r * length;                                             \\
    A held[HELD], top = -INF, total = 0;                                \\
    for (int k = 0; k < HELD; k++) {                                    \\
        held[k] = PLACE(k) < length ? up(from[PLACE(k)]) : -INF;        \\
        top = larger(held[k], top);                                     \\
    }                                                                   \\
    top = block_max(top);
extern "C" __global__ void softmax(const T *x, T *y, long long rows, long long length) {
    EACH_BLOCK(r, rows) {
        START
        for (int k = 0; k < HELD; k++) {
            held[k] = exp(held[k] - top);
            if (PLACE(k) < length) total += held[k];
        }
        A share = 1 / block_sum(total);
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) to[PLACE(k)] = down(held[k] * share);
    }
}
extern "C" __global__ void log_softmax(const T *x, T *y, long long rows, long long length) {
    EACH_BLOCK(r, rows) {
        START
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) total += exp(held[k] - top);
        A less = log(block_sum(total));
        for (int k = 0; k < HELD; k++)
            if (PLACE(k) < length) to[PLACE(k)] = down(held[k] - top - less);
    }
}
"""


def _run(name: str, dim: int, *arrays: Any) -> Any:
    shape = arrays[0].shape
    result = cupy.empty(shape, arrays[0].dtype)
    if not result.size:
        return result
    given = [cupy.ascontiguousarray(each) for each in arrays]
    length = shape[dim] if shape else 1
    inner = prod(shape[dim + 1 :])
    rows = result.size // length
    if inner == 1 and len(arrays) == 1 and can_be_held(length):
        each_held_row(_HELD, name, result.dtype.char, rows, length, *given, result, rows, length)
        return result
    LINES.run(name, result.dtype.char, rows, length, inner, *given, result)
    return result


def _forward(name: str) -> Callable[..., Any]:
    def override(below: Callable[..., Any]) -> Callable[..., Any]:
        @reduced_precision
        def kernel(input: Any, dim: int) -> Any:
            return _run(name, dim, input) if takes(input) else below(input, dim)

        return kernel

    return override


def _backward(name: str) -> Callable[..., Any]:
    def override(below: Callable[..., Any]) -> Callable[..., Any]:
        @reduced_precision
        def kernel(grad: Any, result: Any, dim: int) -> Any:
            if takes(grad, result) and grad.shape == result.shape:
                return _run(name, dim, grad, result)
            return below(grad, result, dim)

        return kernel

    return override


def register() -> None:
    """Puts the kernels over the shared ones."""
    for name in ("softmax", "log_softmax"):
        put_over(name, _forward(name))
        put_over(f"{name}_backward", _backward(f"{name}_backward"))
