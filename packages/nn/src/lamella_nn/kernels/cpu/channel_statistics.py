"""Normalization by statistics of channels or groups, some channels and rows of an image at a time.

It is for arrays that are not read as they lie: of half precision, which is computed with in
float32, and of another order than row-major. Nothing of the input's size is held beside the
result.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.formats import suggests_channels_last
from lamella_core.parallel import spread
from lamella_nn.kernels.precision import compute_type, put

if TYPE_CHECKING:
    Part = tuple[slice, ...]

# Elements of a part.
_BLOCK = 32768


def lies_apart(*arrays: Any) -> bool:
    """Whether arrays are of half precision, or one of many is not row-major nor channels-last."""
    if arrays[0].dtype.itemsize == 2:
        return True
    return arrays[0].size >= _BLOCK and any(
        [not (each.flags.c_contiguous or suggests_channels_last(each)) for each in arrays]
    )


def parts_of(shape: tuple[int, ...]) -> list[Part]:
    """Images, channels and rows to be taken at a time."""
    batch, channels, *sizes = shape
    places, inner = prod(sizes), prod(sizes[1:])
    some = min(max(_BLOCK // max(places, 1), 1), max(channels, 1))
    images = min(max(_BLOCK // max(places * channels, 1), 1), max(batch, 1))
    height = sizes[0] if sizes else 1
    rows = min(max(_BLOCK // max(inner, 1), 1), height) if some == 1 else height
    return [
        (
            slice(image, image + images),
            slice(channel, channel + some),
            *[slice(row, row + rows)] * bool(sizes),
        )
        for image in range(0, batch, images)
        for channel in range(0, channels, some)
        for row in range(0, max(height, 1), max(rows, 1))
    ]


def _block(array: Any, part: Part, kind: Any, each_image: bool) -> Any:
    """``(images or 1, channels, places)`` of a part that lie together, and may be a view."""
    view = array[part]
    if not each_image:
        view = view.swapaxes(0, 1)[None]
    shape = (*view.shape[:2], prod(view.shape[2:]))
    return converted(np.ascontiguousarray(view), kind).reshape(shape)


def room(like: Any) -> Any:
    """An array for the result, channels-last where the input is."""
    if not suggests_channels_last(like):
        return np.empty(like.shape, like.dtype)
    last = np.empty((like.shape[0], *like.shape[2:], like.shape[1]), like.dtype)
    return np.moveaxis(last, -1, 1)


def begun(input: Any) -> tuple[Any, Any]:
    """An input that is read several times, and the result, which is written over it if it is."""
    if input.dtype.itemsize == 2:
        return input, room(input)
    result = np.array(input, order="C")
    return result, result


def moments(input: Any, each_image: bool) -> tuple[Any, Any]:
    """Means and mean squares about them, in float64, ``(batch or 1, channels)``.

    Those of parts are put together by the formula of T. F. Chan, G. H. Golub and R. J. LeVeque,
    "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
    """
    kind, parts = compute_type(input.dtype), parts_of(input.shape)
    shape = input.shape[0] if each_image else 1, input.shape[1]
    count, mean, squares = np.zeros((3, *shape))
    found: dict[int, Any] = {}

    def add(number: int) -> None:
        block = _block(input, parts[number], kind, each_image)
        length = block.shape[2]
        middle = np.add.reduce(block, 2)
        middle /= max(length, 1)
        # What was converted is a copy, and can be written over.
        away = np.subtract(block, middle[..., None], block if kind != input.dtype else None)
        found[number] = length, middle, np.vecdot(away, away)

    spread(add, range(len(parts)))
    for number, (images, channels, *_) in enumerate(parts):
        length, middle, square = found[number]
        place = (images if each_image else slice(None)), channels
        before, total = count[place], count[place] + length
        step = middle - mean[place]
        mean[place] += step * (length / np.maximum(total, 1))
        squares[place] += square + step * step * (before * length / np.maximum(total, 1))
        count[place] = total
    squares /= np.maximum(count, 1)
    return mean, squares


def products(grad: Any, input: Any, mean: Any) -> tuple[Any, Any]:
    """The sums of a gradient, and of it times the input less ``mean``, float64 as there.

    ``mean`` is ``(batch or 1, channels)``.
    """
    kind, parts = compute_type(input.dtype), parts_of(input.shape)
    each_image = len(mean) > 1 or len(input) == 1
    sums, dots = np.zeros((2, *mean.shape))
    found: dict[int, Any] = {}

    def add(number: int) -> None:
        part = parts[number]
        above, block = (_block(each, part, kind, each_image) for each in (grad, input))
        middle = mean[part[:2] if each_image else (slice(None), part[1])]
        away = block - middle.astype(kind)[..., None]
        found[number] = np.add.reduce(above, 2), np.vecdot(above, away)

    spread(add, range(len(parts)))
    for number, (images, channels, *_) in enumerate(parts):
        place = (images if each_image else slice(None)), channels
        for target, value in zip((sums, dots), found[number], strict=True):
            target[place] += value
    return sums, dots


def scale(result: Any, input: Any, mean: Any, scale: Any, shift: Any) -> Any:
    """``(input - mean) * scale + shift``, these ``(batch or 1, channels)``; None for nothing."""
    kind = compute_type(input.dtype)
    given = [None if x is None else x.astype(kind, copy=False) for x in (mean, scale, shift)]
    steps = [
        (step, x)
        for step, x in zip((np.subtract, np.multiply, np.add), given, strict=True)
        if x is not None
    ]

    def apply(part: Part) -> None:
        target = result[part]
        value = input[part]
        if value.dtype != kind:
            out = value = converted(np.ascontiguousarray(value), kind)
        else:
            out = target
        for step, x in steps:
            value = step(value, _beside(x, part, value.ndim), out)
        if out is not target:
            put(target, out)

    spread(apply, parts_of(input.shape))
    return result


def _beside(values: Any, part: Part, ndim: int) -> Any:
    """``(batch or 1, channels)`` for a part of as many dimensions."""
    found = values[:, part[1]] if len(values) == 1 else values[part[:2]]
    return found.reshape(*found.shape, *(1,) * (ndim - 2))


def combine(
    result: Any, grad: Any, input: Any, mean: Any, inner: Any, scale: Any, shift: Any
) -> Any:
    """``(input - mean) * inner + grad * scale + shift``, as :func:`scale`."""
    kind = compute_type(input.dtype)
    mean, inner, scale, shift = (x.astype(kind, copy=False) for x in (mean, inner, scale, shift))

    def apply(part: Part) -> None:
        target = result[part]
        value, above = input[part], grad[part]
        if value.dtype != kind:
            out = value = converted(np.ascontiguousarray(value), kind)
            above = converted(np.ascontiguousarray(above), kind)
        else:
            out = target
        given = [_beside(x, part, value.ndim) for x in (mean, inner, scale, shift)]
        np.subtract(value, given[0], out)
        np.multiply(out, given[1], out)
        np.add(out, above * given[2], out)
        del above  # putting the result needs room
        np.add(out, given[3], out)
        if out is not target:
            put(target, out)

    spread(apply, parts_of(input.shape))
    return result
