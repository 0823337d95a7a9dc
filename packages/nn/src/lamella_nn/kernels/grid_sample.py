"""Array kernels of reading images at the places that a grid names.

Along each dimension a place is a few taps: indices of elements, with their weights and the
derivatives of these to the grid's number, first and second. All combinations of taps are read in
one pass each.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import reach
from lamella_nn.kernels import cubic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Tap(NamedTuple):
    """One element's part in the places of a grid, along one dimension."""

    index: Any
    weight: Any
    slope: Any
    curvature: Any


@shared_kernel
def grid_sampler(
    xp: Any, input: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool
) -> Any:
    batch, channels, *sizes = input.shape
    places = prod(grid.shape[1:-1])
    read, steps = _reader(xp, input)
    result = xp.zeros((batch, channels, places), input.dtype)
    for examples, part in _parts(xp, batch, channels, places, len(sizes), mode):
        taps = _taps(xp, grid, examples, part, sizes, mode, padding_mode, align_corners)
        for index, weight, _ in _combined(taps, steps):
            for i, n in enumerate(examples):
                values = read(n, index[i])
                values *= weight[i]
                result[n][:, part] += values
    return result.reshape(batch, channels, *grid.shape[1:-1])


@shared_kernel
def grid_sampler_backward(
    xp: Any,
    grad: Any,
    input: Any,
    grid: Any,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    needs_input: bool,
    needs_grid: bool,
) -> tuple[Any, Any]:
    batch, channels, *sizes = input.shape
    length, places = prod(sizes), prod(grid.shape[1:-1])
    read, steps = _reader(xp, input)
    row_major = _row_major(sizes)
    grad = grad.reshape(batch, channels, places)
    to_input = xp.zeros((batch, channels * length) if needs_input else 0, input.dtype)
    to_grid = xp.zeros((batch, places, len(sizes)) if needs_grid else 0, grid.dtype)
    first = (xp.arange(channels) * length)[:, None]
    for examples, part in _parts(xp, batch, channels, places, len(sizes), mode):
        taps = _taps(xp, grid, examples, part, sizes, mode, padding_mode, align_corners)
        for index, weight, chosen in _combined(taps, row_major):
            slopes = [_slope(chosen, axis) for axis in range(len(sizes))] if needs_grid else []
            source = index if steps == row_major else _index(chosen, steps)
            for i, n in enumerate(examples):
                above = grad[n][:, part]
                if needs_input:
                    share = (above * weight[i]).reshape(-1)
                    xp.add.at(to_input[n], (index[i] + first).reshape(-1), share)
                if needs_grid and mode != "nearest":
                    along = (read(n, source[i]) * above).sum(0)
                    for axis, slope in enumerate(slopes):
                        to_grid[n, part, len(sizes) - 1 - axis] += along * slope[i]
    return to_input.reshape(input.shape if needs_input else 0), to_grid.reshape(
        grid.shape if needs_grid else 0
    )


@shared_kernel
def grid_sampler_second(
    xp: Any,
    grad_input: Any,
    grad_grid: Any,
    grad: Any,
    input: Any,
    grid: Any,
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> tuple[Any, Any, Any]:
    batch, channels, *sizes = input.shape
    dims, length, places = len(sizes), prod(sizes), prod(grid.shape[1:-1])
    images = input.reshape(batch, channels, length)
    others = grad_input.reshape(batch, channels, length)
    along_grid = grad_grid.reshape(batch, places, dims)
    flat_grad = grad.reshape(batch, channels, places)
    to_grad = xp.zeros(flat_grad.shape, grad.dtype)
    to_input = xp.zeros((batch, channels * length), input.dtype)
    to_grid = xp.zeros((batch, places, dims), grid.dtype)
    first = (xp.arange(channels) * length)[:, None]
    whole = range(batch), slice(None)
    taps = _taps(xp, grid, *whole, sizes, mode, padding_mode, align_corners)
    for index, weight, chosen in _combined(taps, _row_major(sizes)):
        slopes = [_slope(chosen, axis) for axis in range(dims)]
        # How the weight changes as the grid moves along its cotangent.
        change: Any = 0
        for axis in range(dims):
            change = change + along_grid[..., dims - 1 - axis] * slopes[axis]
        read, read_other = xp.empty((2, batch, places), input.dtype)
        for n in range(batch):
            values, other = images[n].take(index[n], 1), others[n].take(index[n], 1)
            to_grad[n] += other * weight[n] + values * change[n]
            share = (flat_grad[n] * change[n]).reshape(-1)
            xp.add.at(to_input[n], (index[n] + first).reshape(-1), share)
            read[n] = (values * flat_grad[n]).sum(0)
            read_other[n] = (other * flat_grad[n]).sum(0)
        for axis in range(dims):
            total = read_other * slopes[axis]
            for second in range(dims):
                part = along_grid[..., dims - 1 - second] * _second_slope(chosen, axis, second)
                total = total + read * part
            to_grid[..., dims - 1 - axis] += total
    return to_grad.reshape(grad.shape), to_input.reshape(input.shape), to_grid.reshape(grid.shape)


def _slope(chosen: tuple[Tap, ...], axis: int) -> Any:
    """The derivative of a combination's weight to the grid's number along a dimension."""
    return prod([tap.slope if i == axis else tap.weight for i, tap in enumerate(chosen)])


def _second_slope(chosen: tuple[Tap, ...], first: int, second: int) -> Any:
    if first == second:
        return prod([tap.curvature if i == first else tap.weight for i, tap in enumerate(chosen)])
    return prod([tap.slope if i in (first, second) else tap.weight for i, tap in enumerate(chosen)])


def _row_major(sizes: list[int]) -> list[int]:
    """How far neighbours along each dimension are apart."""
    return [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]


def _reader(xp: Any, input: Any) -> tuple[Callable[[int, Any], Any], list[int]]:
    """What reads ``(channels, places)`` of an image, and the steps of the indices it takes.

    Nothing is copied, however the images lie.
    """
    batch, channels, *sizes = input.shape
    steps = _row_major(sizes)
    if input.flags.c_contiguous:
        images = input.reshape(batch, channels, prod(sizes))
        return lambda n, at: images[n].take(at, 1), steps
    last = xp.moveaxis(input, 1, -1)
    if last.flags.c_contiguous:
        pixels = last.reshape(batch, prod(sizes), channels)
        return lambda n, at: pixels[n].take(at, 0).T, steps
    steps = [stride // input.itemsize for stride in input.strides[2:]]
    span = reach(sizes, steps)
    strides = *input.strides[:2], input.itemsize
    memory = xp.lib.stride_tricks.as_strided(input, (batch, channels, span), strides)
    return lambda n, at: memory[n][:, at], steps


def _index(chosen: tuple[Tap, ...], steps: list[int]) -> Any:
    index: Any = 0
    for tap, step in zip(chosen, steps, strict=True):
        index = index + (tap.index if step == 1 else tap.index * step)
    return index


def _combined(
    taps: list[list[Tap]], steps: list[int]
) -> Iterator[tuple[Any, Any, tuple[Tap, ...]]]:
    """Flat indices and weights of every combination of one tap a dimension."""
    for chosen in product(*taps):
        yield _index(chosen, steps), prod([tap.weight for tap in chosen]), chosen


# Numbers of the result, or of the grid, that are read at a time on the CPU.
_BLOCK = 32768


def _parts(
    xp: Any, batch: int, channels: int, places: int, dims: int, mode: str
) -> Iterator[tuple[range, slice]]:
    """The examples and places that are read together: on a GPU all."""
    # The taps of a place are many numbers, too.
    taken = dims * (8 if mode == "bicubic" else 4)
    each = max(channels * places, taken * places, 1)
    if xp is not np or batch * each <= 2 * _BLOCK:
        yield range(batch), slice(None)
        return
    step = max(1, _BLOCK * places // each)
    for n in range(batch):
        for start in range(0, places, step):
            yield range(n, n + 1), slice(start, start + step)


def _taps(
    xp: Any,
    grid: Any,
    examples: range,
    part: slice,
    sizes: list[int],
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> list[list[Tap]]:
    """The taps of each dimension. A grid's last numbers are along the images' first dimensions."""
    flat = grid.reshape(grid.shape[0], prod(grid.shape[1:-1]), len(sizes))
    flat = flat[examples.start : examples.stop, part]
    along = _cubic_taps if mode == "bicubic" else _near_taps
    return [
        along(xp, flat[..., len(sizes) - 1 - axis], size, mode, padding_mode, align_corners)
        for axis, size in enumerate(sizes)
    ]


def _place(xp: Any, numbers: Any, size: int, align_corners: bool) -> tuple[Any, float]:
    """Where -1 to 1 lies among the elements, and the derivative of that."""
    if align_corners:
        scale = (size - 1) / 2
        return (numbers + 1) * scale, scale
    return (numbers + 1) * (size / 2) - 0.5, size / 2


def _clipped(xp: Any, place: Any, size: int) -> Any:
    """Clipped to the first and last element; what is not a number goes to the first."""
    return xp.fmin(xp.fmax(place, 0), size - 1)


def _reflected(xp: Any, place: Any, size: int, align_corners: bool) -> tuple[Any, Any]:
    """The place after as many reflections as bring it inside, and the derivative, 1 or -1.

    At the centres of the first and last element with ``align_corners``, at their edges without.
    """
    low = 0.0 if align_corners else -0.5
    span = size - 1 if align_corners else size
    if not span:
        return xp.zeros_like(place), xp.zeros_like(place)
    distance = xp.abs(place - low)
    times = xp.floor(distance / span)
    within = distance - times * span
    odd = times % 2 == 1
    slope = xp.where((place < low) ^ odd, -1, 1)
    return xp.where(odd, low + span - within, low + within), slope


def _tap(xp: Any, index: Any, weight: Any, slope: Any, curvature: Any, size: int) -> Tap:
    """A tap, whose weight is zero where the index lies outside."""
    inside = (index >= 0) & (index <= size - 1)
    index = xp.where(inside, index, 0).astype(xp.int64)
    return Tap(index, weight * inside, slope * inside, curvature * inside)


def _near_taps(
    xp: Any, numbers: Any, size: int, mode: str, padding_mode: str, align_corners: bool
) -> list[Tap]:
    place, slope = _place(xp, numbers, size, align_corners)
    if padding_mode == "reflection":
        place, sign = _reflected(xp, place, size, align_corners)
        slope = slope * sign.astype(place.dtype)
    if padding_mode != "zeros":
        slope = slope * ((place > 0) & (place < size - 1)).astype(place.dtype)
        place = _clipped(xp, place, size)
    if mode == "nearest":
        nearest = xp.rint(place)
        return [_tap(xp, nearest, xp.ones_like(place), xp.zeros_like(place), 0, size)]
    base = xp.floor(place)
    share = place - base
    return [
        _tap(xp, base, 1 - share, -slope, 0, size),
        _tap(xp, base + 1, share, slope, 0, size),
    ]


def _cubic_taps(
    xp: Any, numbers: Any, size: int, mode: str, padding_mode: str, align_corners: bool
) -> list[Tap]:
    place, scale = _place(xp, numbers, size, align_corners)
    base = xp.floor(place)
    share = place - base
    taps = []
    all_weights = (cubic.weights(share), cubic.slopes(share), cubic.curvatures(share))
    for step, weight, slope, curvature in zip(range(-1, 3), *all_weights, strict=True):
        index = base + step
        if padding_mode == "reflection":
            index, _ = _reflected(xp, index, size, align_corners)
        if padding_mode != "zeros":
            index = _clipped(xp, index, size)
        taps.append(_tap(xp, index, weight, slope * scale, curvature * scale * scale, size))
    return taps
