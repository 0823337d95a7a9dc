"""Pooling of many numbers on the CPU, some images or rows of windows at a time: what is in between
stays small."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import SINGLE, converted, is_reduced, widened
from lamella_core.dispatch import register_kernel
from lamella_core.parallel import shares, spread, thread_count
from lamella_core.quiet import quiet
from lamella_nn.kernels import fractional_pooling as fractional
from lamella_nn.kernels import pooling as whole
from lamella_nn.kernels.precision import put
from lamella_nn.kernels.windows import output_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

# Elements of images from which parts are worth the calls that they take.
_LARGE = 1_800_000
# Of half precision, which would be widened as a whole.
_LARGE_HALF = 250_000
# Elements of what is in between for one part.
_BLOCK = 98304
# Regions whose bounds are listed at a time.
_MOST_OF_LIST = 16384
# Elements that are worth a call.
_CALL = 2000

_few_max = widened(quiet(whole.max_pool_with_indices))
_few_avg_backward = widened(quiet(whole.avg_pool_backward))
_few_fractional_max = widened(quiet(fractional.fractional_max_pool))
_largest = widened(quiet(whole.largest))
_means = widened(quiet(whole.means))
_put_flat = widened(quiet(whole.put_flat))


class _Images:
    """Arrays as ``(outer, inner, *sizes)``, and results with the layout of the first of them.

    ``inner`` is 1 where all lie together, so that all images are cut alike; else the channels.
    Without ``volumes``, results of three dimensions are row-major all the same.
    """

    def __init__(self, dims: int, *arrays: Any, volumes: bool = True) -> None:
        first = arrays[0]
        lead = first.ndim - dims
        self.lead, self.dtype, self.reduced = first.shape[:lead], first.dtype, is_reduced(first)
        self.flat = all([each.flags.c_contiguous for each in arrays])
        self.channels_last = (
            not self.flat
            and lead == 2
            and (volumes or dims < 3)
            and np.moveaxis(first, 1, -1).flags.c_contiguous
        )
        if self.flat:
            self.arrays = [each.reshape(-1, 1, *each.shape[lead:]) for each in arrays]
        else:
            self.arrays = [each if lead == 2 else each[None] for each in arrays]
        self.outer, self.inner = self.arrays[0].shape[:2]
        self.targets: list[Any] = []

    def parts(self, *place: slice) -> list[Any]:
        """A part of each array that lies together, half precision as float32."""
        parts = [each[place] for each in self.arrays]
        return [
            converted(np.ascontiguousarray(each), SINGLE if is_reduced(each) else each.dtype)
            for each in parts
        ]

    def store(self, place: tuple[slice, ...], results: Any, counts: Any = ()) -> None:
        """Writes a part of the results, of whose first dimensions ``counts`` are the sizes."""
        results = results if results.__class__ is tuple else (results,)
        if not self.targets:
            for each in results:
                sizes = (*counts, *each.shape[2 + len(counts) :])
                kind = self.dtype if self.reduced and each.dtype == np.float32 else each.dtype
                self.targets.append(self.make(np.empty, sizes, kind))
        for target, each in zip(self.targets, results, strict=True):
            put(target[place], each)

    def make(self, make: Callable[..., Any], sizes: tuple[int, ...], dtype: Any) -> Any:
        if not self.channels_last:
            return make((self.outer, self.inner, *sizes), dtype)
        return np.moveaxis(make((self.outer, *sizes, self.inner), dtype), -1, 1)

    def results(self) -> Any:
        shaped = [each.reshape(*self.lead, *each.shape[2:]) for each in self.targets]
        return shaped[0] if len(shaped) == 1 else tuple(shaped)


def _by_images(
    kernel: Callable[..., Any],
    dims: int,
    seen: int,
    arrays: tuple[Any, ...],
    *rest: Any,
    as_they_are: bool = False,
    volumes: bool = True,
) -> Any:
    """A kernel on the last dimensions of arrays, some images at a time.

    Args:
        dims: how many dimensions an image has.
        seen: how many numbers are in between for an image.
        arrays: its first arguments, which have the same dimensions before an image's.
        rest: its others.
        as_they_are: whether it is given views, and of half precision.
        volumes: see :class:`_Images`.
    """
    images = _Images(dims, *arrays, volumes=volumes)
    step = max(1, _BLOCK // max(seen, 1))
    several = max(1, step // images.inner)
    for start in range(0, images.outer, several):
        for channel in range(0, images.inner, step):
            place = slice(start, start + several), slice(channel, channel + step)
            views = [each[place] for each in images.arrays] if as_they_are else images.parts(*place)
            images.store(place, kernel(np, *views, *rest))
    return images.results()


def _by_windows(
    make: Callable[..., Any],
    input: Any,
    seen: int,
    geometry: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    volumes: bool = True,
    by_rows_alone: bool = False,
) -> Any:
    """Results of windows, some images at a time, or some rows of windows of one image, or a part of
    a row.

    Args:
        make: called with a part of the input, the padding before it, the geometry of its windows,
            the first row of the input in it, and which windows they are along the first dimensions.
        seen: how many numbers are in between for a window.
        volumes: see :class:`_Images`.
        by_rows_alone: whether rows stay whole, and one thread goes through them.
    """
    images = _Images(len(kernel), input, volumes=volumes)
    out, sizes = geometry[0], input.shape[-len(kernel) :]
    # Volumes are worked on by one thread; of two, each has half of the room.
    threads = not by_rows_alone and len(kernel) < 3 and thread_count() > 1
    image = images.inner * max(prod(out) * seen, prod(sizes)) * (1 + threads)
    step = max(1, _BLOCK // image)
    rows = _rows(out[0], image)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    counts = [rows]
    if len(out) > 1:
        of_one = images.inner * ((rows - 1) * stride[0] + reach[0]) * prod(sizes[1:])
        whole_rows = by_rows_alone or rows > 1 or of_one <= _BLOCK
        counts.append(out[1] if whole_rows else _rows(out[1], of_one))
    parts = [
        (slice(start, start + step), [slice(n, min(n + s, m)) for n, s, m in each])
        for start in range(0, images.outer, step)
        for each in product(
            *[[(n, s, m) for n in range(0, m, s)] for s, m in zip(counts, out, strict=False)]
        )
    ]

    def work(some: slice, places: list[slice]) -> None:
        before, met = list(padding), []
        for axis, place in enumerate(places):
            begin = place.start * stride[axis] - padding[axis]
            stop = (place.stop - 1) * stride[axis] - padding[axis] + reach[axis]
            before[axis] = max(-begin, 0)
            met.append(slice(max(begin, 0), stop))
        (part,) = images.parts(some, slice(None), *met)
        windows = (*[place.stop - place.start for place in places], *out[len(places) :])
        given = tuple(before)
        fitted = whole.fitted(part.shape[2:], kernel, stride, given, dilation, windows)
        found = make(part, given, fitted, met[0].start, tuple(places))
        images.store((some, slice(None), *places), found, out[: len(places)])

    def run(numbers: range) -> None:
        for number in numbers:
            if number:
                work(*parts[number])

    work(*parts[0])
    if threads:
        spread(run, shares(len(parts), 1))
    else:
        run(range(len(parts)))
    return images.results()


def _rows(count: int, image: int, block: int = _BLOCK) -> int:
    """How many rows of an image are worked on together; nearly as many each time."""
    return -(-count // -(-image // block))


def max_pool_with_indices(
    input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Any, Any]:
    settings = kernel, stride, padding, dilation
    if input.size < (_LARGE_HALF if is_reduced(input) else _LARGE):
        return _few_max(input, *settings, ceil_mode)
    sizes = input.shape[-len(kernel) :]
    geometry = whole.geometry(sizes, *settings, ceil_mode)
    # The places of windows of the last part, which are those of the next one in most cases.
    bases: dict[Any, Any] = {}

    def make(part: Any, before: Any, fitted: Any, first: int, windows: Any) -> Any:
        base = bases.get(key := (before, fitted[0]))
        if base is None:
            bases.clear()
            bases[key] = base = whole.flat_base(np, part.shape[2:], stride, before, fitted[0])
        given = part, kernel, stride, before, dilation, fitted, base
        values, places = whole.max_with_places(np, *given)
        if first:
            places += first * prod(sizes[1:])
        return values, places

    # Its many calls on few elements would wait for each other in threads.
    return _by_windows(make, input, 6, geometry, *settings, by_rows_alone=True)


def max_pool(
    input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Any:
    settings = kernel, stride, padding, dilation
    geometry = whole.geometry(input.shape[-len(kernel) :], *settings, ceil_mode)
    if _needs_no_parts(input, geometry):
        return _largest(input, *settings, geometry)

    def make(part: Any, before: Any, fitted: Any, first: int, windows: Any) -> Any:
        return whole.largest(np, part, kernel, stride, before, dilation, fitted)

    return _by_windows(make, input, _seen(input, kernel), geometry, *settings)


def _seen(input: Any, kernel: Any) -> int:
    # How much larger what is in between is than the result: parts of volumes overlap by slices.
    return 1 if input.flags.c_contiguous and not is_reduced(input) and len(kernel) < 3 else 2


def _needs_no_parts(input: Any, geometry: Any) -> bool:
    # Windows inside of an input that is read as it is have nothing in between.
    if is_reduced(input):
        return input.size < _LARGE_HALF
    return input.size < _LARGE or (geometry[2] and input.flags.c_contiguous)


def avg_pool(
    input: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    sizes, ones = input.shape[-len(kernel) :], (1,) * len(kernel)
    geometry = whole.geometry(sizes, kernel, stride, padding, ones, ceil_mode)
    given = kernel, stride, padding, geometry[0], count_include_pad, divisor_override, ceil_mode
    if _needs_no_parts(input, geometry):
        divisor = whole.divisor(np, sizes, *given)
        return _means(input, kernel, stride, padding, geometry, divisor)

    def make(part: Any, before: Any, fitted: Any, first: int, windows: Any) -> Any:
        divisor = whole.divisor(np, sizes, *given, windows)
        return whole.means(np, part, kernel, stride, before, fitted, divisor)

    seen = _seen(input, kernel)
    return _by_windows(make, input, seen, geometry, kernel, stride, padding, ones, volumes=False)


def avg_pool_backward(
    grad: Any,
    sizes: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    dims = len(sizes)
    out, ones = grad.shape[-dims:], (1,) * dims
    given = kernel, stride, padding, count_include_pad, divisor_override
    image = max(prod(sizes), prod(out))
    if prod(grad.shape[:-dims]) * image < (_LARGE_HALF if is_reduced(grad) else _LARGE):
        return _few_avg_backward(grad, sizes, *given)
    inside = whole.fitted(sizes, kernel, stride, padding, ones, out)[2]
    if is_reduced(grad) or not inside:
        return _avg_pool_backward_by_rows(grad, sizes, *given)
    images = _Images(dims, grad)
    result = images.make(np.zeros, sizes, grad.dtype)
    image = images.inner * prod(out)
    step, rows = max(1, _BLOCK // image), _rows(out[0], image)
    for start in range(0, images.outer, step):
        for row in range(0, out[0], rows):
            end = min(row + rows, out[0])
            some = slice(start, start + step)
            share = images.arrays[0][some, :, row:end].copy("K")
            divisor = whole.divisor(
                np, sizes, *given[:3], out, *given[3:], places=(slice(row, end),)
            )
            share = whole.divide(np, share, divisor)
            target = result[some, :, row * stride[0] :]
            for _, slices in whole.kernel_slices(kernel, stride, ones, (end - row, *out[1:])):
                target[(..., *slices)] += share
    return result.reshape(*images.lead, *sizes)


def _avg_pool_backward_by_rows(
    grad: Any,
    sizes: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    """Some rows of the result, from the windows that reach them."""
    dims, out = len(sizes), grad.shape[-len(sizes) :]
    is_ceiling = out != output_sizes(sizes, kernel, stride, padding, (1,) * dims)
    images = _Images(dims, grad)
    result = images.make(np.zeros, sizes, grad.dtype)
    image = images.inner * max(prod(sizes), prod(out))
    step, rows = max(1, _BLOCK // image), _rows(sizes[0], image)
    for start in range(0, images.outer, step):
        some = slice(start, start + step)
        for row in range(0, sizes[0], rows):
            # In rows of the padded input.
            begin, end = row + padding[0], min(row + rows, sizes[0]) + padding[0]
            low = max((begin - kernel[0]) // stride[0] + 1, 0)
            high = min((end - 1) // stride[0] + 1, out[0])
            if low >= high:
                continue
            (part,) = images.parts(some, slice(None), slice(low, high))
            first = low * stride[0]
            divisor = whole.divisor(
                np, sizes, kernel, stride, padding, out, count_include_pad, divisor_override,
                is_ceiling, (slice(low, high),),
            )  # fmt: skip
            share = whole.divide(np, np.array(part), divisor)
            around = (0, *sizes[1:]), kernel, stride, (0, *padding[1:])
            total = whole.spread_shares(np, share, *around)
            inside = slice(max(begin - first, 0), min(end - first, total.shape[2]))
            target = slice(inside.start + first - padding[0], inside.stop + first - padding[0])
            kept = [slice(p, p + n) for p, n in zip(padding[1:], sizes[1:], strict=True)]
            put(result[some, :, target], total[(slice(None), slice(None), inside, *kept)])
    return result.reshape(*images.lead, *sizes)


def take_flat(input: Any, indices: Any, dims: int) -> Any:
    return whole.take_flat(np, input, indices, dims)


def put_flat(input: Any, indices: Any, sizes: Any, accumulate: bool) -> Any:
    dims, length = len(sizes), prod(sizes)
    if prod(input.shape[:-dims]) * length < (_LARGE_HALF if is_reduced(input) else _LARGE):
        return _put_flat(input, indices, sizes, accumulate)
    images = _Images(dims, input, indices)
    if accumulate and images.reduced and length > _BLOCK // 2:
        return _put_into_one_image_at_a_time(images, sizes)
    if (accumulate and images.reduced) or not (images.flat or images.channels_last):
        return _by_images(whole.put_flat, dims, length, (input, indices), sizes, accumulate)
    result = images.make(np.zeros, sizes, input.dtype)
    memory = result if images.flat else np.moveaxis(result, 1, -1)
    memory = memory.reshape(-1)
    # The place of the first element of each image.
    inner = images.inner
    begin = np.arange(images.outer)[:, None] * (length * inner) + np.arange(inner)
    begin = begin.reshape(*begin.shape, *(1,) * dims)
    # Places are wider than values.
    image = 2 * inner * prod(indices.shape[-dims:])
    step = max(1, _BLOCK // image)
    rows = _rows(indices.shape[-dims], image)
    values, chosen = images.arrays
    for start in range(0, images.outer, step):
        for row in range(0, indices.shape[-dims], rows):
            part = slice(start, start + step), slice(None), slice(row, row + rows)
            places = chosen[part] * inner
            places += begin[part[0]]
            if accumulate:
                np.add.at(memory, places.reshape(-1), values[part].reshape(-1))
            else:
                memory[places] = values[part]
    return result.reshape(*images.lead, *sizes)


def _put_into_one_image_at_a_time(images: _Images, sizes: Any) -> Any:
    """Sums in float32 of half precision at flat places, some rows of them at a time."""
    result = images.make(np.empty, sizes, images.dtype)
    values, chosen = images.arrays
    rows = _rows(values.shape[2], 2 * prod(values.shape[2:]))
    for n, channel in product(range(images.outer), range(images.inner)):
        total = np.zeros(prod(sizes), SINGLE)
        for row in range(0, values.shape[2], rows):
            part = n, channel, slice(row, row + rows)
            np.add.at(total, chosen[part].reshape(-1), converted(values[part].reshape(-1), SINGLE))
        put(result[n, channel], total.reshape(sizes))
    return result.reshape(*images.lead, *sizes)


def adaptive_avg_pool(input: Any, output_size: Any) -> Any:
    return _adaptive(whole.adaptive_avg_pool, input, output_size)


def adaptive_avg_pool_backward(grad: Any, sizes: Any) -> Any:
    return _adaptive(whole.adaptive_avg_pool_backward, grad, sizes)


def _adaptive(kernel: Callable[..., Any], input: Any, wanted: Any) -> Any:
    """Some images or rows at a time, along the memory, where what is in between is large."""
    dims = len(wanted)
    sizes = input.shape[-dims:]
    is_gradient = kernel is whole.adaptive_avg_pool_backward
    pairs = list(zip(sizes, wanted, strict=True))
    # What there is for an image before and between the steps, and the result.
    current, stages = list(sizes), [prod(sizes) if is_gradient else 1]
    for i in whole.order_of_dims(tuple(sizes), tuple(wanted)):
        current[i] = wanted[i]
        stages.append(prod(current))
    made = stages.pop()
    # Elements of uneven regions are taken into an array that is added to the result.
    taken = any([m and n % m and n <= whole.MOST_COPIES * m for n, m in pairs])
    image = max(*stages, made if taken or is_reduced(input) else 1)
    count = prod(input.shape[:-dims])
    # Calls for each region, which a part is to have enough to do for.
    calls = sum([m if n > whole.MOST_COPIES * m else n // max(m, 1) + 2 for n, m in pairs])
    block = max(_BLOCK, _CALL * calls)
    if count * image <= block and input.flags.c_contiguous:
        return converted(kernel(np, input, wanted), input.dtype)
    images = _Images(dims, input, volumes=False)
    behind = int(images.channels_last)
    # Along the memory of channels-last images the channels come last, and are not cut.
    values = np.moveaxis(images.arrays[0], 1, -1)[:, None] if behind else images.arrays[0]
    image = max(image, made) if count * image > block else image
    image *= images.inner if behind else 1
    step = max(1, block // image)
    # The bounds of the regions of rows are listed, too.
    rows = max(1, min(_rows(wanted[0], image, block), _MOST_OF_LIST))
    outer, inner = values.shape[:2]
    if step >= outer * inner and rows >= wanted[0]:
        result = converted(kernel(np, values, wanted, behind), input.dtype)
    else:
        result = np.empty((outer, inner, *wanted, *values.shape[2 + dims :]), input.dtype)
        several = max(1, step // inner)
        for start in range(0, outer, several):
            for channel in range(0, inner, step):
                some = slice(start, start + several), slice(channel, channel + step)
                for row in range(0, wanted[0], rows):
                    cut = slice(row, row + rows) if rows < wanted[0] else slice(None)
                    put(result[(*some, cut)], kernel(np, values[some], wanted, behind, cut))
    if not behind:
        return result.reshape(*images.lead, *wanted)
    return np.moveaxis(result[:, 0], -1, 1)


def adaptive_max_pool(input: Any, output_size: Any) -> tuple[Any, Any]:
    dims = len(output_size)
    # Each region is read, and converted, by itself, for all images of a part.
    seen = prod(input.shape[-dims:]) // max(prod(output_size), 1)
    if input.size < _LARGE or prod(input.shape[:-dims]) * seen <= _BLOCK:
        return whole.adaptive_max_pool(np, input, output_size)
    return _by_images(
        whole.adaptive_max_pool, dims, seen, (input,), output_size, as_they_are=True, volumes=False
    )


def fractional_max_pool(input: Any, samples: Any, kernel: Any, output_size: Any) -> tuple[Any, Any]:
    if input.size < _LARGE:
        return _few_fractional_max(input, samples, kernel, output_size)
    images = input, samples
    seen = max(prod(input.shape[2:]), 4 * prod(output_size))
    return _by_images(
        fractional.fractional_max_pool, len(kernel), seen, images, kernel, output_size
    )


for _kernel in (
    max_pool_with_indices,
    max_pool,
    avg_pool,
    avg_pool_backward,
    take_flat,
    put_flat,
    adaptive_avg_pool,
    adaptive_avg_pool_backward,
    adaptive_max_pool,
    fractional_max_pool,
):
    _kernel = quiet(_kernel)
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
