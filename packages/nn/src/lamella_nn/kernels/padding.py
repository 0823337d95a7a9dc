"""Array kernels of padding, which read and write each element once."""

from __future__ import annotations

from itertools import product
from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import suggests_channels_last

# A part of the result along one dimension, and the part of the input that it is a copy of.
Piece = tuple[slice, slice]


def _new(xp: Any, make: str, shape: list[int], like: Any) -> Any:
    """A new array, channels-last where another one is."""
    if not suggests_channels_last(like):
        return getattr(xp, make)(shape, like.dtype)
    last = getattr(xp, make)([shape[0], *shape[2:], shape[1]], like.dtype)
    return xp.moveaxis(last, -1, 1)


@shared_kernel
def constant_pad_nd(xp: Any, input: Any, pad: tuple[int, ...], value: Any) -> Any:
    lead = input.ndim - len(pad) // 2
    shape = list(input.shape)
    source: list[slice] = [slice(None)] * input.ndim
    target: list[slice] = [slice(None)] * input.ndim
    for axis in range(lead, input.ndim):
        place = 2 * (input.ndim - 1 - axis)
        before, behind = pad[place], pad[place + 1]
        size = input.shape[axis]
        shape[axis] = size + before + behind
        source[axis] = slice(max(-before, 0), size - max(-behind, 0))
        target[axis] = slice(max(before, 0), shape[axis] - max(behind, 0))
    result = _new(xp, "empty", shape, input)
    result[...] = value
    result[tuple(target)] = input[tuple(source)]
    return result


def _pieces(size: int, before: int, behind: int, mode: str) -> list[Piece]:
    """The parts of a padded dimension, the one inside first."""
    first, stop = -before, size + behind
    start, end = 0, size
    if mode == "circular":
        # What is cut off takes no part in the circle.
        start, end = max(first, 0), min(stop, size)
    inside = max(first, start), min(stop, end)
    pieces = []
    for low, high in (inside, (first, min(start, stop)), (max(end, first), stop)):
        if low >= high:
            continue
        if start <= low < end:
            source = slice(low, high)
        elif mode == "circular":
            shift = end - start if low < start else start - end
            source = slice(low + shift, high + shift)
        elif mode == "replicate":
            edge = 0 if low < 0 else size - 1
            source = slice(edge, edge + 1)
        else:
            turn = 0 if low < 0 else 2 * (size - 1)
            last = turn - high
            source = slice(turn - low, None if last < 0 else last, -1)
        pieces.append((slice(low - first, high - first), source))
    return pieces


def _all_pieces(sizes: tuple[int, ...], pad: tuple[int, ...], mode: str) -> list[list[Piece]]:
    pairs = reversed(list(zip(pad[::2], pad[1::2], strict=True)))
    return [_pieces(size, *pair, mode) for size, pair in zip(sizes, pairs, strict=True)]


@shared_kernel
def pad_from_input(xp: Any, input: Any, pad: tuple[int, ...], mode: str) -> Any:
    dims = len(pad) // 2
    sizes = input.shape[-dims:]
    padded = [n + pad[-2 * i - 2] + pad[-2 * i - 1] for i, n in enumerate(sizes)]
    shape = [*input.shape[:-dims], *padded]
    if mode == "circular":
        result = xp.empty(shape, input.dtype)
    else:
        result = _new(xp, "empty", shape, input)
    for pieces in product(*_all_pieces(sizes, pad, mode)):
        targets, sources = zip(*pieces, strict=True)
        result[(..., *targets)] = input[(..., *sources)]
    return result


@shared_kernel
def pad_from_input_backward(
    xp: Any, grad_output: Any, sizes: tuple[int, ...], pad: tuple[int, ...], mode: str
) -> Any:
    dims = len(sizes)
    every = _all_pieces(sizes, pad, mode)
    # Where nothing is cut off, the part inside goes to all elements.
    is_whole = min(pad) >= 0
    shape = [*grad_output.shape[:-dims], *sizes]
    result = _new(xp, "empty" if is_whole else "zeros", shape, grad_output)
    for i, pieces in enumerate(product(*every)):
        targets, sources = zip(*pieces, strict=True)
        part, place = grad_output[(..., *targets)], (..., *sources)
        if not i and is_whole:
            result[place] = part
            continue
        for axis, (target, source) in enumerate(pieces, -dims):
            if source.step is None and target.stop - target.start > source.stop - source.start:
                part = part.sum(axis, keepdims=True)
        result[place] += part
    return result
