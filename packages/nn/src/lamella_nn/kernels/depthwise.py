"""Convolutions with one input channel a group, as sums of shifted products.

There is nothing to sum over channels here, so columns and matrix products would only add copies.
Some rows or channels of an image, or several small images, are taken at a time: they stay in the
cache.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from lamella_nn.kernels.precision import compute_type, put, single
from lamella_nn.kernels.windows import (
    around,
    kernel_slices,
    on_each,
    padded_rows,
    parts_of,
    put_rows,
    reach,
    room,
    rows_at_a_time,
    rows_of_sum,
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
    kind = compute_type(input.dtype)
    weight, bias = single(weight), single(bias)
    targets, taps = _by_group(result, groups), _shifted(weight, groups)
    if bias is not None:
        bias = bias.reshape(groups, -1, *[1] * len(out))
    # Where the result lies together, it is summed up in its place.
    in_place = result.flags.c_contiguous and kind == input.dtype
    each = prod(around(input.shape[2:], padding)) + (2 - in_place) * prod(targets.shape[2:])
    rows = rows_at_a_time(xp, out[0], each)

    def run(cut: Cut) -> None:
        some, source, place = cut[1], input[cut], targets[cut]
        for first in range(0, out[0], rows):
            target = place[:, :, :, first : first + rows]
            sizes = target.shape[3:]
            low = first * stride[0] - padding[0]
            high = low + reach(sizes, kernel, stride, dilation)
            spread = single(padded_rows(xp, source, padding, low, high))[:, :, None]
            total = target if in_place else xp.empty(target.shape, kind)
            total[...] = 0 if bias is None else bias[some]
            for position, slices in kernel_slices(kernel, stride, dilation, sizes):
                total += spread[(..., *slices)] * taps[position][some]
            if not in_place:
                put(target, total)

    on_each(xp, run, parts_of(xp, batch, groups, each))
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
    grad, taps = _by_group(grad, groups), _shifted(single(weight), groups)
    kind, spread = compute_type(grad.dtype), around(sizes, padding)
    alone = grad.shape[2] == 1
    each = prod(spread) * (2 - alone) + prod(grad.shape[2:])
    rows = rows_at_a_time(xp, out[0], each)

    def run(cut: Cut) -> None:
        given, target, rest = grad[cut], result[cut], None
        for first in range(0, out[0], rows):
            part = single(given[:, :, :, first : first + rows])
            some = part.shape[3:]
            height, done = rows_of_sum(first, some, out[0], kernel, stride, dilation, spread[0])
            total = xp.zeros((*part.shape[:2], height, *spread[1:]), kind)
            for position, slices in kernel_slices(kernel, stride, dilation, some):
                # No name for the products, which would be there beside the next ones.
                factor = taps[position][cut[1]]
                total[(..., *slices)] += (
                    (part * factor)[:, :, 0] if alone else (part * factor).sum(2)
                )
            rest = put_rows(target, total, rest, first * stride[0], done, padding)

    on_each(xp, run, parts_of(xp, batch, groups, each))
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
    each = prod(around(input.shape[2:], padding)) + prod(grad.shape[2:])
    cuts = parts_of(xp, len(input), groups, each)
    rows = rows_at_a_time(xp, out[0], each)
    # One for the images of each part, which are added up in the end, whatever the threads did.
    sums = {
        images.start: xp.zeros((groups, grad.shape[2], *kernel), compute_type(input.dtype))
        for images, _ in cuts
    }
    axes = (0, *range(3, grad.ndim))

    def run(cut: Cut) -> None:
        images, some = cut
        total, source, given = sums[images.start], input[cut], grad[cut]
        for first in range(0, out[0], rows):
            part = single(given[:, :, :, first : first + rows])
            sizes = part.shape[3:]
            low = first * stride[0] - padding[0]
            high = low + reach(sizes, kernel, stride, dilation)
            spread = single(padded_rows(xp, source, padding, low, high))[:, :, None]
            for position, slices in kernel_slices(kernel, stride, dilation, sizes):
                sums_here = (spread[(..., *slices)] * part).sum(axes)
                total[(some, slice(None), *position)] += sums_here

    on_each(xp, run, cuts)
    first, *others = sums.values()
    for each in others:
        first += each
    return first.reshape(-1, 1, *kernel)
