"""Sliding windows over the last dimensions of an array: sizes, padding, strided views."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.formats import suggests_channels_last
from lamella_core.parallel import spread
from lamella_nn.kernels.precision import put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Sizes = tuple[int, ...]


def output_sizes(
    sizes: Sequence[int], kernel: Sizes, stride: Sizes, padding: Sequence[int], dilation: Sizes
) -> Sizes:
    """How many windows fit along each dimension: ``(n + 2p - d(k - 1) - 1) // s + 1``."""
    return tuple(
        [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True)
        ]
    )


def kernel_slices(
    kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes
) -> list[tuple[Sizes, tuple[slice, ...]]]:
    """Each position in the kernel, with the slices of padded input that it meets."""
    make = _known_slices if prod(kernel) <= _MOST_KEPT else _slices
    return make(tuple(kernel), tuple(stride), tuple(dilation), tuple(out))


# Lists for kernels of more positions are not kept: beside the work on each, making them is nothing.
_MOST_KEPT = 64


def _slices(
    kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes
) -> list[tuple[Sizes, tuple[slice, ...]]]:
    return [
        (
            position,
            tuple(
                [
                    slice(i * d, i * d + (n - 1) * s + 1, s)
                    for i, d, s, n in zip(position, dilation, stride, out, strict=True)
                ]
            ),
        )
        for position in product(*map(range, kernel))
    ]


_known_slices = lru_cache(256)(_slices)


def inner(sizes: Sequence[int], padding: Sequence[int]) -> tuple[slice, ...]:
    """The slices that leave the padding out."""
    return tuple([slice(p, p + n) for n, p in zip(sizes, padding, strict=True)])


def padded(xp: Any, input: Any, padding: Sizes, value: Any = 0) -> Any:
    """``input`` with ``padding`` on both ends of its last dimensions; itself without padding."""
    if not any(padding):
        return input
    lead = input.ndim - len(padding)
    sizes = input.shape[lead:]
    shape = [*input.shape[:lead], *around(sizes, padding)]
    result = xp.full(shape, value, input.dtype) if value else xp.zeros(shape, input.dtype)
    result[(..., *inner(sizes, padding))] = input
    return result


def padded_rows(xp: Any, input: Any, padding: Sizes, low: int, high: int) -> Any:
    """Rows ``low`` to ``high`` of the input, with zeros beyond it and around the rows."""
    count = input.shape[2]
    start, stop = max(low, 0), min(high, count)
    part = input if (start, stop) == (0, count) else input[:, :, start:stop]
    if (start, stop) == (low, high) and not any(padding[1:]):
        return part
    rest = input.shape[3:]
    result = xp.zeros((*input.shape[:2], high - low, *around(rest, padding[1:])), input.dtype)
    if start < stop:
        result[(..., slice(start - low, stop - low), *inner(rest, padding[1:]))] = part
    return result


def padded_channels_last(xp: Any, input: Any, padding: Sizes) -> Any:
    """``(N, C, *sizes)`` as a contiguous ``(N, *padded sizes, C)``, zeros around."""
    sizes = input.shape[2:]
    shape = around(sizes, padding)
    make = xp.zeros if any(padding) else xp.empty
    result = make((input.shape[0], *shape, input.shape[1]), input.dtype)
    last = input.transpose(0, *range(2, input.ndim), 1)
    result[(slice(None), *inner(sizes, padding))] = last
    return result


def window_view(
    xp: Any, array: Any, first: int, kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes
) -> Any:
    """A view with two groups of dimensions in the place of the spatial ones.

    ``(*lead, *sizes, *rest)``, whose spatial dimensions start at ``first``, becomes
    ``(*lead, *out, *kernel, *rest)``; nothing is copied.
    """
    last = first + len(kernel)
    steps = array.strides[first:last]
    shape = (*array.shape[:first], *out, *kernel, *array.shape[last:])
    strides = (
        *array.strides[:first],
        *[step * s for step, s in zip(steps, stride, strict=True)],
        *[step * d for step, d in zip(steps, dilation, strict=True)],
        *array.strides[last:],
    )
    if array.__class__ is np.ndarray and array.flags.c_contiguous:
        # NumPy's constructor does it in a tenth of the time, and looks that the view stays inside.
        return np.ndarray(shape, array.dtype, array, 0, strides)
    return xp.lib.stride_tricks.as_strided(array, shape, strides)


def room(xp: Any, shape: Sequence[int], one: Any, other: Any, dtype: Any = None) -> Any:
    """An array to be filled, of ``dtype``, else one operand's; channels-last where one is."""
    dtype = one.dtype if dtype is None else dtype
    if (one.flags.c_contiguous and other.flags.c_contiguous) or not (
        suggests_channels_last(one) or suggests_channels_last(other)
    ):
        return xp.empty(shape, dtype)
    return xp.moveaxis(xp.empty((shape[0], *shape[2:], shape[1]), dtype), -1, 1)


def reach(out: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> int:
    """How many rows of the input the windows in some rows of the output reach over."""
    return (out[0] - 1) * stride[0] + dilation[0] * (kernel[0] - 1) + 1


def rows_of_sum(
    first: int, some: Sizes, out: int, kernel: Sizes, stride: Sizes, dilation: Sizes, height: int
) -> tuple[int, int]:
    """Of the windows in ``some`` rows of ``out``: the rows that they add to, of ``height`` in all,
    and how many of those get nothing from later windows."""
    if first + some[0] == out:
        height -= first * stride[0]
        return height, height
    done = some[0] * stride[0]
    return max(done, reach(some, kernel, stride, dilation)), done


def put_rows(target: Any, total: Any, rest: Any, low: int, done: int, padding: Sizes) -> Any:
    """Writes the ``done`` first rows of a sum, from row ``low`` of what is padded, without padding.

    Args:
        rest: what this gave for the rows before; None at first.

    Returns: the other rows, or None.
    """
    if rest is not None:
        total[:, :, : rest.shape[2]] += rest
    sizes, before = target.shape[2:], padding[0]
    start, stop = max(low, before), min(low + done, before + sizes[0])
    if start < stop:
        kept = slice(start - low, stop - low), *inner(sizes[1:], padding[1:])
        put(target[:, :, start - before : stop - before], total[(..., *kept)])
    return total[:, :, done:].copy() if done < total.shape[2] else None


def around(sizes: Sequence[int], padding: Sequence[int]) -> Sizes:
    """The sizes with the padding on both ends."""
    return tuple([n + 2 * p for n, p in zip(sizes, padding, strict=True)])


# Elements of a part with its padding, products and sums: less than 1 MB of float32 for two threads.
# Threads that go through less wait for one another between the calls.
_PART = 90112


@lru_cache(256)
def parts_of(xp: Any, batch: int, channels: int, elements: int) -> list[tuple[slice, slice]]:
    """Images and channels to be taken at a time, where a channel has so many elements."""
    if xp is not np:
        return [(slice(0, batch), slice(0, channels))]
    elements = max(elements, 1)
    some = max(min(_PART // elements, channels), 1)
    images = max(_PART // (elements * max(channels, 1)), 1)
    return [
        (slice(image, min(image + images, batch)), slice(channel, min(channel + some, channels)))
        for image in range(0, batch, images)
        for channel in range(0, channels, some)
    ]


def rows_at_a_time(xp: Any, rows: int, elements: int) -> int:
    """How many rows of so many elements in all are taken at a time."""
    # A little more than a part is worth no second one.
    if xp is not np or 3 * elements <= 4 * _PART:
        return max(rows, 1)
    return -(-rows // -(-elements // _PART))


def on_each(xp: Any, run: Callable[[Any], None], parts: Sequence[Any]) -> None:
    """Calls ``run`` for each part, on several threads where the arrays are NumPy's."""
    if xp is np and len(parts) > 1:
        spread(run, parts)
        return
    for part in parts:
        run(part)
