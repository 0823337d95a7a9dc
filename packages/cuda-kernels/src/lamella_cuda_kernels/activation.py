"""Activation functions on CUDA that take several steps elsewhere: one pass each.

float16 and bfloat16 are computed in float32 and rounded once. Complex numbers, and gradients of
another shape than the input's, are left to the shared kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.dispatch import override_kernel
from lamella_core.formats import order_of
from lamella_cuda_kernels.compiling import each_element, reduced_precision, takes

if TYPE_CHECKING:
    from collections.abc import Callable

# With s the logistic function: silu = x s(x); gelu = x Phi(x), Phi the normal law's distribution
# function, or by tanh x s(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
SOURCE = """
__device__ A logistic(A x) { return 1 / (1 + exp(-x)); }
__device__ A silu(A x) { return x / (1 + exp(-x)); }
__device__ A silu_slope(A x) { A s = logistic(x); return s * (1 + x * (1 - s)); }
__device__ A gelu(A x) { return x * ((A)0.5 * (1 + erf(x * (A)0.7071067811865476))); }
__device__ A gelu_slope(A x) {
    return (A)0.5 * (1 + erf(x * (A)0.7071067811865476))
        + x * exp((A)-0.5 * x * x) * (A)0.3989422804014327;
}
__device__ A gelu_argument(A x) {
    return (A)0.7978845608028654 * (x + (A)0.044715 * x * x * x);
}
__device__ A gelu_tanh(A x) { return (A)0.5 * x * (1 + tanh(gelu_argument(x))); }
__device__ A gelu_tanh_slope(A x) {
    A half = tanh(gelu_argument(x));
    A inner = (A)0.7978845608028654 * (1 + 3 * (A)0.044715 * x * x);
    return (A)0.5 * (1 + half) + (A)0.5 * x * (1 - half * half) * inner;
}
#define POINTWISE(name)                                                          \\
    extern "C" __global__ void forward_##name(const T *x, T *y, long long count) { \\
        EACH(i, count) y[i] = down(name(up(x[i])));                              \\
    }                                                                            \\
    extern "C" __global__ void backward_##name(const T *grad, const T *x, T *to, \\
                                               long long count) {                \\
        EACH(i, count) to[i] = down(up(grad[i]) * name##_slope(up(x[i])));       \\
    }
POINTWISE(silu)
POINTWISE(gelu)
POINTWISE(gelu_tanh)
"""


def _run(name: str, out: Any, *arrays: Any) -> Any:
    """The kernel over arrays of one shape, in the order of the last one's dimensions."""
    last = arrays[-1]
    if out is not None and (out.dtype != last.dtype or not out.flags.c_contiguous):
        out[...] = _run(name, None, *arrays)
        return out
    order = None
    if out is None and not last.flags.c_contiguous:
        order = order_of(last.shape, last.strides)
        arrays = tuple(each.transpose(order) for each in arrays)
    arrays = tuple(cupy.ascontiguousarray(each) for each in arrays)
    result = cupy.empty(arrays[-1].shape, last.dtype) if out is None else out
    each_element(SOURCE, name, result.dtype.char, result.size, *arrays, result, result.size)
    if order is None:
        return result.reshape(last.shape)
    return result.transpose(sorted(range(len(order)), key=order.__getitem__))


def silu(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, out: Any = None) -> Any:
        if takes(input):
            return _run("forward_silu", out, input)
        result = below(input)
        if out is None:
            return result
        out[...] = result
        return out

    return kernel


def silu_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(grad: Any, input: Any) -> Any:
        if takes(input, grad) and grad.shape == input.shape:
            return _run("backward_silu", None, grad, input)
        return below(grad, input)

    return kernel


_GELUS = {"none": "gelu", "tanh": "gelu_tanh"}


def gelu(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, approximate: str) -> Any:
        if approximate in _GELUS and takes(input):
            return _run(f"forward_{_GELUS[approximate]}", None, input)
        return below(input, approximate)

    return kernel


def gelu_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(grad: Any, input: Any, approximate: str) -> Any:
        if approximate in _GELUS and takes(input, grad) and grad.shape == input.shape:
            return _run(f"backward_{_GELUS[approximate]}", None, grad, input)
        return below(grad, input, approximate)

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones."""
    for override in (silu, silu_backward, gelu, gelu_backward):
        override_kernel(override.__name__, override, "cuda")
