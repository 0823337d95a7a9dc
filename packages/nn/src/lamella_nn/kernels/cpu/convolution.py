"""Convolutions of half precision on the CPU: in float32, some images or rows at a time."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, SINGLE, converted, is_reduced
from lamella_core.dispatch import register_kernel
from lamella_nn.kernels import convolution as whole
from lamella_nn.kernels.precision import put, single
from lamella_nn.kernels.windows import output_sizes, padded_rows, reach, room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_nn.kernels.windows import Sizes

# Elements of input and output that are widened at a time.
_BLOCK = 65536


def _bands(batch: int, image: int, out: Sizes, kernel: Sizes) -> Iterator[tuple[slice, int, int]]:
    """Images of so many elements that are taken together, or rows of the output of one."""
    step = max(1, _BLOCK // max(image, 1))
    # Of few rows most of the input would be that of the rows beside them.
    rows = out[0] if image <= _BLOCK else max(_BLOCK * out[0] // image, min(kernel[0], out[0]))
    for start in range(0, batch, step):
        for first in range(0, out[0], rows):
            yield slice(start, start + step), first, min(first + rows, out[0])


def _rows(
    input: Any, first: int, end: int, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Any:
    """What rows ``first`` to ``end`` of the output are made of, padded, in float32."""
    low = first * stride[0] - padding[0]
    high = low + reach((end - first,), kernel, stride, dilation)
    return single(padded_rows(np, input, (0,) * len(padding), low, high))


def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    if not is_reduced(input):
        return whole.convolution(np, input, weight, bias, stride, padding, dilation, groups)
    batch, features, kernel = len(input), len(weight), weight.shape[2:]
    out = output_sizes(input.shape[2:], kernel, stride, padding, dilation)
    wide, bias = single(weight), single(bias)
    if max(input.size, batch * features * prod(out)) < LARGE:
        given = single(input), wide, bias, stride, padding, dilation, groups
        return converted(whole.convolution(np, *given), input.dtype)
    result = room(np, (batch, features, *out), input, weight)
    inside = (0, *padding[1:])
    image = prod(input.shape[1:]) + features * prod(out)
    for images, first, end in _bands(batch, image, out, kernel):
        part = _rows(input[images], first, end, kernel, stride, padding, dilation)
        found = whole.convolution(np, part, wide, bias, stride, inside, dilation, groups)
        put(result[images, :, first:end], found)
    return result


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
    if not is_reduced(grad):
        return whole.convolution_input_grad(np, grad, weight, sizes, *rest)
    batch, channels = len(grad), weight.shape[1] * groups
    if max(grad.size, batch * channels * prod(sizes)) < LARGE:
        found = whole.convolution_input_grad(np, single(grad), single(weight), sizes, *rest)
        return converted(found, grad.dtype)
    swapped = whole.mirrored(weight, sizes, grad.shape[2:], *rest)
    if swapped is not None:
        kernel, mirror = swapped
        return convolution(grad, kernel, None, stride, mirror, dilation, groups)
    # Rows of windows overlap in the sums, which are rounded once, so that an image stays whole.
    result, wide = room(np, (batch, channels, *sizes), grad, weight), single(weight)
    step = max(1, _BLOCK // max(prod(grad.shape[1:]) + channels * prod(sizes), 1))
    for start in range(0, batch, step):
        images = slice(start, start + step)
        found = whole.convolution_input_grad(np, single(grad[images]), wide, sizes, *rest)
        put(result[images], found)
    return result


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
    total = np.zeros((grad.shape[1], input.shape[1] // groups, *kernel), SINGLE)
    inside = (0, *padding[1:])
    image = prod(input.shape[1:]) + prod(grad.shape[1:])
    for images, first, end in _bands(len(input), image, grad.shape[2:], kernel):
        part = _rows(input[images], first, end, kernel, stride, padding, dilation)
        above = single(grad[images, :, first:end])
        total += whole.convolution_weight_grad(
            np, part, above, kernel, stride, inside, dilation, groups
        )
    return converted(total, input.dtype)


_kernels: tuple[Any, ...] = (convolution, convolution_input_grad, convolution_weight_grad)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
