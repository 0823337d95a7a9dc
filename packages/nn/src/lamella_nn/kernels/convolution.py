"""Array kernels of convolutions: windows copied to columns, then one matrix product.

The columns are built in the order that has the longer contiguous runs to copy: channels-last
(``kernel width * channels`` numbers a run) or channels-first (``output width`` numbers a run).
Images go through in blocks, large ones some rows at a time, so that the columns do not fill the
memory.
Convolutions with one channel a group skip the columns (``depthwise.py``).

The three kernels are the three contractions of one trilinear form, so each one's derivatives are
the other two.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import parallel
from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels import depthwise
from lamella_nn.kernels.precision import compute_type, put, single
from lamella_nn.kernels.windows import (
    around,
    inner,
    kernel_slices,
    on_each,
    output_sizes,
    padded,
    padded_channels_last,
    padded_rows,
    parts_of,
    put_rows,
    reach,
    room,
    rows_of_sum,
    window_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_nn.kernels.windows import Sizes

    Cut = tuple[slice, int, Sizes]

# Columns of 0.6 MB in float32: they are still in the cache when the product reads them. Of
# larger images some rows at a time, half of that, as there are no more calls to save.
BLOCK_ELEMENTS = 150_000
ROWS_ELEMENTS = 1 << 16

# Products of up to a million multiplications run fastest as they are; above, BLAS first repacks
# both operands, which costs a third more for matrices as narrow as these.
SMALL_PRODUCT = 1_000_000

# Derivatives of weights up to this size are summed up in four parts side by side.
SHARED_SUMS = 1 << 15

# Numbers of columns up to which calls count, not their work.
_FEW = 4096


@shared_kernel
def convolution(
    xp: Any,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    batch, channels = input.shape[:2]
    kernel = weight.shape[2:]
    out, pointwise, last = _way(
        channels, input.shape[2:], kernel, tuple(stride), tuple(padding), tuple(dilation), groups
    )
    features = weight.shape[0]
    length = prod(out)
    if not batch * channels * length * weight.size:
        result = xp.zeros((batch, features, *out), input.dtype)
        if bias is not None:
            result += bias.reshape(-1, *[1] * len(out))
        return result
    if depthwise.suits(channels, features, groups):
        return depthwise.forward(xp, input, weight, bias, stride, padding, dilation, groups, out)
    # Half precision is widened part by part.
    narrow = input.dtype.itemsize == 2
    if (
        xp is np
        and groups == 1
        and batch * channels * prod(kernel) * length <= _FEW
        and input.flags.c_contiguous
        and weight.flags.c_contiguous
        and not (narrow or pointwise)
    ):
        image = padded(np, input, padding)
        at = _column_places(channels, image.shape[2:], kernel, tuple(stride), tuple(dilation), out)
        result = weight.reshape(features, -1) @ image.reshape(batch, -1).take(at, 1)
        if bias is not None:
            result += bias.reshape(-1, 1)
        return result.reshape(batch, features, *out)
    whole = room(xp, (batch, features, *out), input, weight)
    if narrow:
        weight, bias = single(weight), single(bias)
    result = whole.reshape(batch, features, length)
    column_bias: Any = None if bias is None else bias.reshape(-1, 1)
    if pointwise:
        places = _met(input, stride, out).reshape(batch, channels, length)
        matrix = weight.reshape(features, channels)
        if narrow:
            _multiply_in_parts(xp, matrix, places, column_bias, result)
            return whole
        xp.matmul(matrix, places, out=result)
        if bias is not None:
            result += column_bias
    elif last:
        matrix = _channels_last_weight(weight, groups)

        def run(cut: Cut) -> None:
            images, places, *part = _part(xp, input, kernel, stride, padding, dilation, out, cut)
            columns = _channels_last_columns(xp, kernel, stride, dilation, groups, *part)
            rows = _channels_first_rows(_multiply(xp, columns, matrix), prod(part[-1]))
            if bias is None:
                put(result[images, :, places], rows)
            elif narrow:
                put(result[images, :, places], xp.add(rows, column_bias))
            else:
                xp.add(rows, column_bias, out=result[images, :, places])

        on_each(xp, run, list(_cuts(batch, channels * prod(kernel), out)))
    else:
        matrix = weight.reshape(groups, features // groups, -1)

        def run(cut: Cut) -> None:
            images, places, *part = _part(xp, input, kernel, stride, padding, dilation, out, cut)
            columns = _channels_first_columns(xp, kernel, stride, dilation, groups, *part)
            target = result[images, :, places]
            target = target.reshape(len(target), groups, features // groups, -1)
            product = xp.matmul(matrix, columns, out=None if narrow else target)
            if bias is not None:
                product += column_bias.reshape(groups, -1, 1)
            if narrow:
                put(target, product)

        on_each(xp, run, list(_cuts(batch, channels * prod(kernel), out)))
    return whole


def _multiply_in_parts(xp: Any, matrix: Any, places: Any, bias: Any, result: Any) -> None:
    """``result = matrix @ places + bias`` of half precision, some places at a time."""
    batch, _, length = places.shape
    height = max(matrix.shape)
    images = max(1, ROWS_ELEMENTS // (height * length))
    step = max(1, ROWS_ELEMENTS // height)

    def run(cut: tuple[slice, slice]) -> None:
        some, columns = cut
        product = xp.matmul(matrix, single(places[some, :, columns]))
        if bias is not None:
            product += bias
        put(result[some, :, columns], product)

    cuts = [
        (slice(image, image + images), slice(first, first + step))
        for image in range(0, batch, images)
        for first in range(0, length, step)
    ]
    on_each(xp, run, cuts)


@lru_cache(32)
def _column_places(
    channels: int, sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes
) -> Any:
    """Where in a flat image the numbers of its columns are, ``(channels * kernel, out)``."""
    image, padding = np.arange(channels * prod(sizes)), (0,) * len(kernel)
    image = image.reshape(1, channels, *sizes)
    columns = _channels_first_columns(np, kernel, stride, dilation, 1, image, padding, out)
    return columns[0, 0]


@lru_cache(256)
def _way(
    channels: int,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[Sizes, bool, bool]:
    """The output's sizes, whether there are no columns, and whether channels come last in them."""
    out = output_sizes(sizes, kernel, stride, padding, dilation)
    pointwise = _is_pointwise(kernel, padding, groups)
    return out, pointwise, _prefers_channels_last(channels // max(groups, 1), kernel, out)


def _mirrored(
    weight: Any,
    sizes: Sizes,
    out: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[Any, Sizes] | None:
    """The weight and the padding of the convolution that is the transposed map; None where there is
    none, or a slower one.

    With stride 1 it has the mirrored kernel, and gathers into each place once, where adding columns
    up writes to it many times; its columns are those of the features, though.
    """
    kernel = weight.shape[2:]
    features, channels = len(weight), weight.shape[1] * groups
    mirror = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
    exact = output_sizes(sizes, kernel, stride, padding, dilation) == out
    if not exact or any(s != 1 for s in stride) or min(mirror) < 0 or features > 4 * channels:
        return None
    turned = weight[(slice(None), slice(None), *[slice(None, None, -1)] * len(kernel))]
    per_group = turned.reshape(groups, features // groups, channels // groups, *kernel)
    swapped = per_group.swapaxes(1, 2).reshape(channels, features // groups, *kernel)
    return swapped, tuple(mirror)


@shared_kernel
def convolution_input_grad(
    xp: Any,
    grad: Any,
    weight: Any,
    sizes: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    batch, features = grad.shape[:2]
    kernel, out = weight.shape[2:], grad.shape[2:]
    channels = weight.shape[1] * groups
    length = prod(out)
    if not batch * channels * length * weight.size:
        return xp.zeros((batch, channels, *sizes), grad.dtype)
    if _is_pointwise(kernel, padding, groups):
        matrix = weight.reshape(features, channels).T
        met = room(xp, (batch, channels, *out), grad, weight)
        rows, product = grad.reshape(batch, features, length), met.reshape(batch, channels, length)
        if grad.dtype.itemsize == 2:
            _multiply_in_parts(xp, single(matrix), rows, None, product)
        else:
            xp.matmul(matrix, rows, out=product)
        if out == tuple(sizes):
            return met
        result = room(xp, (batch, channels, *sizes), grad, weight)
        result.fill(0)
        _met(result, stride, out)[...] = met
        return result
    swapped = _mirrored(weight, sizes, out, stride, padding, dilation, groups)
    if swapped is not None:
        matrix, mirror = swapped
        return convolution(xp, grad, matrix, None, stride, mirror, dilation, groups)
    if depthwise.suits(channels, features, groups):
        return depthwise.input_grad(xp, grad, weight, sizes, stride, padding, dilation, groups)
    result = room(xp, (batch, channels, *sizes), grad, weight)
    matrix = single(weight).reshape(groups, features // groups, -1).swapaxes(1, 2)
    spread = around(sizes, padding)
    flat, rest = grad.reshape(batch, features, length), None
    for images, first, some in _cuts(batch, channels * prod(kernel), out):
        places = slice(first * prod(out[1:]), (first + some[0]) * prod(out[1:]))
        rows = single(flat[images, :, places])
        rows = rows.reshape(len(rows), groups, features // groups, -1)
        columns = xp.matmul(matrix, rows).reshape(-1, channels, *kernel, *some)
        height, done = rows_of_sum(first, some, out[0], kernel, stride, dilation, spread[0])
        total = xp.zeros((len(columns), channels, height, *spread[1:]), columns.dtype)
        for position, slices in kernel_slices(kernel, stride, dilation, some):
            total[(..., *slices)] += columns[(slice(None), slice(None), *position)]
        before = rest if first else None
        rest = put_rows(result[images], total, before, first * stride[0], done, padding)
    return result


@shared_kernel
def convolution_weight_grad(
    xp: Any,
    input: Any,
    grad: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Any:
    batch, channels = input.shape[:2]
    features, out = grad.shape[1], grad.shape[2:]
    length = prod(out)
    shape = (features, channels // groups, *kernel)
    if not batch * channels * length * features * prod(kernel):
        return xp.zeros(shape, input.dtype)
    if depthwise.suits(channels, features, groups):
        return depthwise.weight_grad(xp, input, grad, kernel, stride, padding, dilation, groups)
    if _is_pointwise(kernel, padding, groups):
        total: Any = 0
        places = _met(input, stride, out).reshape(batch, channels, length).swapaxes(1, 2)
        rows = grad.reshape(batch, features, length)
        for images in _blocks(batch, features * channels):
            total = total + xp.matmul(single(rows[images]), single(places[images])).sum(0)
        return total.reshape(shape)
    flat = grad.reshape(batch, features, length)
    last = _prefers_channels_last(channels // groups, kernel, out)

    def sum_of(cut: Cut) -> Any:
        images, places, *part = _part(xp, input, kernel, stride, padding, dilation, out, cut)
        rows = single(flat[images, :, places])
        count = prod(part[-1])
        if not last:
            columns = _channels_first_columns(xp, kernel, stride, dilation, groups, *part)
            rows = rows.reshape(len(rows), groups, features // groups, count)
            return xp.matmul(rows, columns.swapaxes(2, 3)).sum(0)
        columns = _channels_last_columns(xp, kernel, stride, dilation, groups, *part)
        if groups == 1 and features * count * columns.shape[2] <= SMALL_PRODUCT:
            by_image = columns.reshape(-1, count, columns.shape[2])
            return xp.matmul(rows, by_image).sum(0)
        rows = rows.reshape(len(rows), groups, features // groups, count)
        rows = rows.transpose(1, 2, 0, 3).reshape(groups, features // groups, -1)
        return xp.matmul(rows, columns)

    cuts = list(_cuts(batch, channels * prod(kernel), out))
    # Which sums are added up to one another must not depend on the threads.
    count = min(len(cuts), 4 if prod(shape) <= SHARED_SUMS else 1)
    sums: list[Any] = [0] * count

    def run(share: int) -> None:
        for cut in cuts[share::count]:
            sums[share] = sums[share] + sum_of(cut)

    on_each(xp, run, range(count))
    total = sum(sums)
    if not last:
        return total.reshape(shape)
    total = total.reshape(features, *kernel, channels // groups)
    return xp.ascontiguousarray(xp.moveaxis(total, -1, 1))


def _multiply(xp: Any, columns: Any, matrix: Any) -> Any:
    """``columns @ matrix``, in blocks of rows where the product is large and narrow."""
    groups, total, inside = columns.shape
    for rows in (256, 128, 64, 32):
        if groups == 1 and not total % rows and rows * matrix[0].size <= SMALL_PRODUCT:
            return xp.matmul(columns.reshape(-1, rows, inside), matrix).reshape(1, total, -1)
    return xp.matmul(columns, matrix)


def _blocks(batch: int, image_elements: int) -> Iterator[slice]:
    step = parallel.even_step(batch, max(1, BLOCK_ELEMENTS // image_elements))
    for start in range(0, batch, step):
        yield slice(start, start + step)


def _cuts(batch: int, column: int, out: Sizes) -> Iterator[Cut]:
    """Blocks of images; of large images blocks of rows: images, first row, sizes of the part."""
    row = column * prod(out[1:])
    if row * out[0] <= BLOCK_ELEMENTS:
        for images in _blocks(batch, row * out[0]):
            yield images, 0, out
        return
    step = max(1, ROWS_ELEMENTS // row)
    for image in range(batch):
        for first in range(0, out[0], step):
            yield slice(image, image + 1), first, (min(step, out[0] - first), *out[1:])


def _part(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    out: Sizes,
    cut: Cut,
) -> tuple[slice, slice, Any, Sizes, Sizes]:
    """What columns are made of: images, places, and their input, its padding, their sizes."""
    images, first, some = cut
    part = input[images]
    if some == out:
        return images, slice(None), single(part), padding, out
    low = first * stride[0] - padding[0]
    high = low + reach(some, kernel, stride, dilation)
    part = padded_rows(xp, part, (0,) * len(padding), low, high)
    places = slice(first * prod(out[1:]), (first + some[0]) * prod(out[1:]))
    return images, places, single(part), (0, *padding[1:]), some


def _is_pointwise(kernel: Sizes, padding: Sizes, groups: int) -> bool:
    """Whether each output sees one place: then there is a product, and no columns."""
    return groups == 1 and all(k == 1 for k in kernel) and not any(padding)


def _met(input: Any, stride: Sizes, out: Sizes) -> Any:
    """The places that a pointwise convolution meets."""
    if out == input.shape[2:] and all(s == 1 for s in stride):
        return input
    return input[(..., *[slice(0, (n - 1) * s + 1, s) for n, s in zip(out, stride, strict=True)])]


def _prefers_channels_last(group_channels: int, kernel: Sizes, out: Sizes) -> bool:
    return group_channels * kernel[-1] > out[-1]


def _channels_last_weight(weight: Any, groups: int) -> Any:
    """``(groups, kernel * group channels, group features)``."""
    features, group_channels = weight.shape[:2]
    per_group = weight.reshape(groups, features // groups, group_channels, -1)
    return per_group.transpose(0, 3, 2, 1).reshape(groups, -1, features // groups)


def _channels_last_columns(
    xp: Any,
    kernel: Sizes,
    stride: Sizes,
    dilation: Sizes,
    groups: int,
    input: Any,
    padding: Sizes,
    out: Sizes,
) -> Any:
    """``(groups, batch * out, kernel * group channels)``."""
    batch, channels = input.shape[:2]
    last = padded_channels_last(xp, input, padding)
    windows = window_view(xp, last, 1, kernel, stride, dilation, out)
    if groups == 1:
        return windows.reshape(1, batch * prod(out), -1)
    windows = windows.reshape(*windows.shape[:-1], groups, channels // groups)
    return xp.moveaxis(windows, -2, 0).reshape(groups, batch * prod(out), -1)


def _channels_first_columns(
    xp: Any,
    kernel: Sizes,
    stride: Sizes,
    dilation: Sizes,
    groups: int,
    input: Any,
    padding: Sizes,
    out: Sizes,
) -> Any:
    """``(batch, groups, group channels * kernel, out)``."""
    dims = len(kernel)
    windows = window_view(xp, padded(xp, input, padding), 2, kernel, stride, dilation, out)
    order = (0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))
    inside = input.shape[1] // groups * prod(kernel)
    return windows.transpose(order).reshape(input.shape[0], groups, inside, prod(out))


def _channels_first_rows(rows: Any, length: int) -> Any:
    """``(groups, batch * out, group features)`` seen as ``(batch, features, out)``."""
    groups, total, group_features = rows.shape
    if groups == 1:
        return rows.reshape(total // length, length, group_features).transpose(0, 2, 1)
    spread = rows.reshape(groups, total // length, length, group_features)
    return spread.transpose(1, 0, 3, 2).reshape(total // length, groups * group_features, length)


@shared_kernel
def unfold_windows(
    xp: Any, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Any:
    batch, channels = input.shape[:2]
    spread = around(input.shape[2:], padding)
    out = output_sizes(spread, kernel, stride, (0,) * len(kernel), dilation)
    parts = parts_of(xp, batch, channels, prod(spread)) if any(padding) else ()
    if len(parts) < 2:
        columns = _channels_first_columns(xp, kernel, stride, dilation, 1, input, padding, out)
        return columns[:, 0]
    result = xp.empty((batch, channels, *kernel, *out), input.dtype)

    dims = len(kernel)
    order = (0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))

    def run(cut: tuple[slice, slice]) -> None:
        part = padded(xp, input[cut], padding)
        result[cut] = window_view(xp, part, 2, kernel, stride, dilation, out).transpose(order)

    on_each(xp, run, parts)
    return result.reshape(batch, -1, prod(out))


@shared_kernel
def fold_windows(
    xp: Any,
    input: Any,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
) -> Any:
    out = output_sizes(sizes, kernel, stride, padding, dilation)
    batch, channels = input.shape[0], input.shape[1] // prod(kernel)
    columns = input.reshape(batch, channels, *kernel, *out)
    spread = around(sizes, padding)
    result = xp.empty((batch, channels, *sizes), input.dtype)
    kind = compute_type(input.dtype) if input.dtype.kind in "fV" else input.dtype

    def run(cut: tuple[slice, slice]) -> None:
        some = columns[cut]
        total = xp.zeros((*some.shape[:2], *spread), kind)
        for position, slices in kernel_slices(kernel, stride, dilation, out):
            total[(..., *slices)] += some[(slice(None), slice(None), *position)]
        result[cut] = total[(..., *inner(sizes, padding))]

    on_each(xp, run, parts_of(xp, batch, channels, prod(spread)))
    return result
