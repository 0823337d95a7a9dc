"""Convolutions with one input channel a group, as sums of shifted products.

There is nothing to sum over channels here, so columns and matrix products would only add copies.
Some channels of an image, or several small images, are taken at a time: they stay in the cache.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_nn.kernels.windows import (
    around,
    inner,
    kernel_slices,
    on_each,
    padded,
    parts_of,
    room,
)

if TYPE_CHECKING:
    from lamella_nn.kernels.windows import Sizes

    Cut = tuple[slice, slice]

WIDEST = 4


def suits(channels: int, features: int, groups: int) -> bool:
    """Whether groups are many and narrow enough."""
    return groups > 1 and channels == groups and features <= WIDEST * groups


def _by_group(array: Any, groups: int) -> Any:
    """The second dimension, channels or features, as groups and those of each."""
    return array.reshape(len(array), groups, -1, *array.shape[2:])


def _shifted(weight: Any, groups: int) -> Any:
    """The weights as ``(*kernel, groups, features of a group, 1, ...)``."""
    kernel = weight.shape[2:]
    taps = weight.reshape(-1, *kernel).transpose(*range(1, len(kernel) + 1), 0)
    return taps.reshape(*kernel, groups, -1, *[1] * len(kernel))


def forward(
    xp: Any,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    out: Sizes,
) -> Any:
    batch, features, kernel = len(input), len(weight), weight.shape[2:]
    result = room(xp, (batch, features, *out), input, weight)
    targets, taps = _by_group(result, groups), _shifted(weight, groups)
    if bias is not None:
        bias = bias.reshape(groups, -1, *[1] * len(out))

    def run(cut: Cut) -> None:
        images, some = cut
        spread = padded(xp, input[cut], padding)[:, :, None]
        total = xp.zeros(targets[cut].shape, input.dtype)
        if bias is not None:
            total += bias[some]
        for position, slices in kernel_slices(kernel, stride, dilation, out):
            total += spread[(..., *slices)] * taps[position][some]
        targets[cut] = total

    largest = max(prod(around(input.shape[2:], padding)), prod(targets.shape[2:]))
    on_each(xp, run, parts_of(xp, batch, groups, largest))
    return result


def input_grad(
    xp: Any,
    grad: Any,
    weight: Any,
    sizes: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    batch, kernel, out = len(grad), weight.shape[2:], grad.shape[2:]
    result = room(xp, (batch, groups, *sizes), grad, weight)
    grad, taps = _by_group(grad, groups), _shifted(weight, groups)
    spread = around(sizes, padding)

    def run(cut: Cut) -> None:
        images, some = cut
        rows = grad[cut]
        total = xp.zeros((*rows.shape[:2], *spread), grad.dtype)
        for position, slices in kernel_slices(kernel, stride, dilation, out):
            total[(..., *slices)] += (rows * taps[position][some]).sum(2)
        result[cut] = total[(..., *inner(sizes, padding))]

    on_each(xp, run, parts_of(xp, batch, groups, max(prod(spread), prod(grad.shape[2:]))))
    return result


def weight_grad(
    xp: Any,
    input: Any,
    grad: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    out = grad.shape[2:]
    grad = _by_group(grad, groups)
    largest = max(prod(around(input.shape[2:], padding)), prod(grad.shape[2:]))
    cuts = parts_of(xp, len(input), groups, largest)
    # One for the images of each part, which are added up in the end, whatever the threads did.
    sums = {
        images.start: xp.empty((groups, grad.shape[2], *kernel), input.dtype) for images, _ in cuts
    }
    axes = (0, *range(3, grad.ndim))

    def run(cut: Cut) -> None:
        images, some = cut
        spread = padded(xp, input[cut], padding)[:, :, None]
        rows = grad[cut]
        for position, slices in kernel_slices(kernel, stride, dilation, out):
            products = spread[(..., *slices)] * rows
            sums[images.start][(some, slice(None), *position)] = products.sum(axes)

    on_each(xp, run, cuts)
    first, *others = sums.values()
    for each in others:
        first += each
    return first.reshape(-1, 1, *kernel)
