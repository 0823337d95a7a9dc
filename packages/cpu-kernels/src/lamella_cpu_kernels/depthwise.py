"""Overrides of convolutions that have one input channel a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.parallel import thread_count
from lamella_cpu_kernels import _native
from lamella_cpu_kernels.types_taken import taking_the_types_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]


def _suits(channels: int, groups: int, *arrays: Any) -> bool:
    # A result that the native kernel refuses would be held beside the one of the kernel below.
    if groups == 1 or channels != groups or arrays[0].dtype.char not in "fd":
        return False
    return all(each is None or each.flags.c_contiguous for each in arrays)


def convolution(below: Kernel) -> Kernel:
    native: Kernel = _native.depthwise

    def kernel(input: Any, weight: Any, bias: Any, *rest: Any) -> Any:
        if input.ndim == 4 and _suits(input.shape[1], rest[3], input, weight, bias):
            out = _output_sizes(input.shape[2:], weight.shape[2:], *rest[:3])
            if min(out) > 0:
                result = np.empty((len(input), len(weight), *out), input.dtype)
                sizes = [tuple(each) for each in rest[:3]]
                if native(input, weight, bias, result, *sizes, thread_count()):
                    return result
        return below(input, weight, bias, *rest)

    return taking_the_types_of(below, kernel)


def _output_sizes(sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> list[int]:
    of = zip(sizes, kernel, stride, padding, dilation, strict=True)
    return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in of]


def convolution_input_grad(below: Kernel) -> Kernel:
    native: Kernel = _native.depthwise_input_grad

    def kernel(grad: Any, weight: Any, sizes: Any, *rest: Any) -> Any:
        groups = rest[3]
        if grad.ndim == 4 and _suits(weight.shape[1] * groups, groups, grad, weight):
            result = np.empty((len(grad), groups, *sizes), grad.dtype)
            if native(grad, weight, result, *[tuple(each) for each in rest[:3]], thread_count()):
                return result
        return below(grad, weight, sizes, *rest)

    return taking_the_types_of(below, kernel)


def convolution_weight_grad(below: Kernel) -> Kernel:
    native: Kernel = _native.depthwise_weight_grad

    def kernel(input: Any, grad: Any, sizes: Any, *rest: Any) -> Any:
        if input.ndim == 4 and _suits(input.shape[1], rest[3], input, grad):
            result = np.empty((grad.shape[1], 1, *sizes), input.dtype)
            if native(input, grad, result, *[tuple(each) for each in rest[:3]], thread_count()):
                return result
        return below(input, grad, sizes, *rest)

    return taking_the_types_of(below, kernel)
