"""Convolutions of half precision on the CPU: in float32, some images or rows at a time."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, converted, is_reduced
from lamella_core.dispatch import register_kernel
from lamella_nn.kernels import convolution as whole
from lamella_nn.kernels.precision import single

if TYPE_CHECKING:
    from lamella_nn.kernels.windows import Sizes


def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    rest = stride, padding, dilation, groups
    if is_reduced(input) and input.size * max(1, len(weight) // max(input.shape[1], 1)) < LARGE:
        given = single(input), single(weight), single(bias)
        return converted(whole.convolution(np, *given, *rest), input.dtype)
    return whole.convolution(np, input, weight, bias, *rest)


def convolution_input_grad(
    grad: Any,
    weight: Any,
    sizes: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    rest = stride, padding, dilation, groups
    result = len(grad) * weight.shape[1] * groups * prod(sizes)
    if is_reduced(grad) and max(grad.size, result) < LARGE:
        found = whole.convolution_input_grad(np, single(grad), single(weight), sizes, *rest)
        return converted(found, grad.dtype)
    return whole.convolution_input_grad(np, grad, weight, sizes, *rest)


def convolution_weight_grad(
    input: Any,
    grad: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    rest = kernel, stride, padding, dilation, groups
    if not is_reduced(input):
        return whole.convolution_weight_grad(np, input, grad, *rest)
    if max(input.size, grad.size) < LARGE:
        found = whole.convolution_weight_grad(np, single(input), single(grad), *rest)
        return converted(found, input.dtype)
    return converted(whole.convolution_weight_grad(np, input, grad, *rest), input.dtype)


_kernels: tuple[Any, ...] = (convolution, convolution_input_grad, convolution_weight_grad)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
