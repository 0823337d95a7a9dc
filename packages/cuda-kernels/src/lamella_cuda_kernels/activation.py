"""Activation functions on CUDA, and their derivatives: one pass each.

float16 and bfloat16 are computed in float32 and rounded once. Complex numbers, and gradients of
another shape than the input's, are left to the shared kernels.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.formats import order_of
from lamella_cuda_kernels.compiling import (
    each_vector,
    put_over,
    reduced_precision,
    takes,
    vector_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_FUNCTIONS = """
__device__ __forceinline__ A logistic(A x) { return 1 / (1 + exp(-x)); }
__device__ __forceinline__ A between(A low, A x, A high) {
    return x < low ? low : x > high ? high : x;
}
// The normal law's distribution function.
__device__ __forceinline__ A normal(A x) { return (A)0.5 * (1 + erf(x * (A)0.7071067811865476)); }
__device__ __forceinline__ A gelu_argument(A x) {
    return (A)0.7978845608028654 * (x + (A)0.044715 * x * x * x);
}
__device__ __forceinline__ A gelu_tanh_slope(A x) {
    A half = tanh(gelu_argument(x));
    A inner = (A)0.7978845608028654 * (1 + (A)0.134145 * x * x);
    return (A)0.5 * (1 + half) + (A)0.5 * x * (1 - half * half) * inner;
}
__device__ __forceinline__ A silu_slope(A x) { A s = logistic(x); return s * (1 + x * (1 - s)); }
__device__ __forceinline__ A mish_gate(A x) { return tanh(log1p(exp(x))); }
__device__ __forceinline__ A mish_slope(A x) {
    A gate = mish_gate(x);
    return gate + x * logistic(x) * (1 - gate * gate);
}
"""

# Of x, and the op's numbers in their order.
_FORWARD = {
    "sigmoid": ("", "logistic(x)"),
    "silu": ("", "x / (1 + exp(-x))"),
    "gelu": ("", "x * normal(x)"),
    "gelu_tanh": ("", "(A)0.5 * x * (1 + tanh(gelu_argument(x)))"),
    "log_sigmoid": ("", "(x < 0 ? x : 0) - log1p(exp(-fabs(x)))"),
    "threshold": ("limit value", "x <= limit ? value : x"),
    "leaky_relu": ("slope", "x > 0 ? x : x * slope"),
    "elu": ("alpha scale inside", "x > 0 ? x * scale : expm1(x * inside) * (alpha * scale)"),
    "softplus": ("beta limit", "x * beta > limit ? x : log1p(exp(x * beta)) / beta"),
    "mish": ("", "x * mish_gate(x)"),
    "hardsigmoid": ("", "between(0, x + 3, 6) / 6"),
    "hardswish": ("", "x * between(0, x + 3, 6) / 6"),
}
# Of the gradient g, and of x: the input or, for sigmoid and tanh, the result.
_BACKWARD = {
    "sigmoid_backward": ("", "g * (1 - x) * x"),
    "tanh_backward": ("", "g * (1 - x * x)"),
    "silu_backward": ("", "g * silu_slope(x)"),
    "gelu_backward": ("", "g * (normal(x) + x * exp((A)-0.5 * x * x) * (A)0.3989422804014327)"),
    "gelu_tanh_backward": ("", "g * gelu_tanh_slope(x)"),
    "threshold_backward": ("limit", "x <= limit ? 0 : g"),
    "hardtanh_backward": ("low high", "x <= low || x >= high ? 0 : g"),
    "leaky_relu_backward": ("slope", "x > 0 ? g : g * slope"),
    "elu_backward": (
        "alpha scale inside",
        "g * (x > 0 ? scale : exp(x * inside) * (alpha * scale * inside))",
    ),
    "softplus_backward": ("beta limit", "x * beta > limit ? g : g * logistic(x * beta)"),
    "mish_backward": ("", "g * mish_slope(x)"),
    "hardsigmoid_backward": ("", "x > -3 && x < 3 ? g / 6 : 0"),
    "hardswish_backward": ("", "x <= -3 ? 0 : x >= 3 ? g : g * (x / 3 + (A)0.5)"),
}


@cache
def source_of(name: str) -> str:
    """The kernel of a function's name."""
    backward = name in _BACKWARD
    names, formula = (_BACKWARD if backward else _FORWARD)[name]
    arrays = ["g", "x"] if backward else ["x"]
    return vector_source("activation", formula, arrays, names.split(), _FUNCTIONS)


def _run(name: str, numbers: Any, out: Any, *arrays: Any) -> Any:
    """The function over arrays of one shape, in the order of the last one's dimensions."""
    last = arrays[-1]
    if out is not None and (out.dtype != last.dtype or not out.flags.c_contiguous):
        out[...] = _run(name, numbers, None, *arrays)
        return out
    order = None
    if out is None and not last.flags.c_contiguous:
        order = order_of(last.shape, last.strides)
        arrays = tuple(each.transpose(order) for each in arrays)
    given = [cupy.ascontiguousarray(each) for each in arrays]
    result = cupy.empty(arrays[-1].shape, last.dtype) if out is None else out
    each_vector(
        source_of(name), "activation", result.dtype, result.size,
        *given, result, *map(float, numbers),
    )  # fmt: skip
    if order is None:
        return result
    return result.transpose(sorted(range(len(order)), key=order.__getitem__))


def _forward(name: str, below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, *numbers: Any, out: Any = None) -> Any:
        if takes(input):
            return _run(name, numbers, out, input)
        result = below(input, *numbers)
        if out is None:
            return result
        out[...] = result
        return out

    return kernel


def _backward(name: str, below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(grad: Any, input: Any, *numbers: Any) -> Any:
        if takes(input, grad) and grad.shape == input.shape:
            return _run(name, numbers, None, grad, input)
        return below(grad, input, *numbers)

    return kernel


_GELUS = {"none": "gelu", "tanh": "gelu_tanh"}


def gelu(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, approximate: str) -> Any:
        if approximate in _GELUS and takes(input):
            return _run(_GELUS[approximate], (), None, input)
        return below(input, approximate)

    return kernel


def gelu_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(grad: Any, input: Any, approximate: str) -> Any:
        if approximate in _GELUS and takes(input, grad) and grad.shape == input.shape:
            return _run(f"{_GELUS[approximate]}_backward", (), None, grad, input)
        return below(grad, input, approximate)

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones."""
    for names, override in ((_FORWARD, _forward), (_BACKWARD, _backward)):
        for name in names:
            if "gelu" not in name:
                put_over(name, partial(override, name))
    put_over("gelu", gelu)
    put_over("gelu_backward", gelu_backward)
