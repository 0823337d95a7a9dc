"""Array kernels of the ops that put elements in another arrangement."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import order_of
from lamella_core.kernels.copying import in_order
from lamella_core.offers import offered, offers

# Elements of a block, bytes of which the flags of a triangle take.
_BLOCK = 1 << 17


@shared_kernel
def flip(xp: Any, input: Any, dims: tuple[int, ...]) -> Any:
    place = [slice(None)] * input.ndim
    for dim in dims:
        place[dim] = slice(None, None, -1)
    if 0 in input.strides and input.size:
        order = order_of(input.shape, input.strides)
        return in_order(input[tuple(place)], order, input.dtype)
    return input[tuple(place)].copy("K")


@shared_kernel
def roll(xp: Any, input: Any, shifts: Any, dims: Any) -> Any:
    if dims is None:
        return roll(xp, input.reshape(-1), shifts, 0).reshape(input.shape)
    if dims.__class__ is int:
        shifts, dims = (shifts,), (dims,)
    if len(dims) == 1 or input.size <= _BLOCK:
        for shift, dim in zip(shifts, dims, strict=True):
            place = input.shape[dim] - shift % (input.shape[dim] or 1)
            head = (slice(None),) * dim
            parts = input[(*head, slice(place, None))], input[(*head, slice(place))]
            input = xp.empty(input.shape, input.dtype)
            xp.concatenate(parts, dim, out=input)
        return input
    moved = dict.fromkeys(dims, 0)
    for shift, dim in zip(shifts, dims, strict=True):
        moved[dim] += shift
    # Along each dimension two parts change places.
    ways = [[(slice(None), slice(None))]] * input.ndim
    for dim, shift in moved.items():
        size = input.shape[dim]
        shift %= size or 1
        ways[dim] = [(slice(shift), slice(size - shift, None))] if shift else []
        ways[dim] = [*ways[dim], (slice(shift, None), slice(size - shift))]
    result = xp.empty(input.shape, input.dtype)
    for way in product(*ways):
        result[tuple([to for to, _ in way])] = input[tuple([place for _, place in way])]
    return result


@shared_kernel
def tril(xp: Any, input: Any, diagonal: int) -> Any:
    return _triangle(xp, input, diagonal, xp.asarray)


@shared_kernel
def triu(xp: Any, input: Any, diagonal: int) -> Any:
    return _triangle(xp, input, diagonal - 1, xp.logical_not)


def _triangle(xp: Any, input: Any, diagonal: int, kept: Any) -> Any:
    # The elements below a diagonal or above it; the flags of some rows at a time.
    result = offered(input.shape, input.dtype) if offers else None
    if result is None:
        result = xp.zeros(input.shape, input.dtype)
    else:
        result[...] = 0
    height, width = input.shape[-2:]
    step = max(_BLOCK // max(width, 1), 1) if xp is np else max(height, 1)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        below = xp.tri(min(step, height - top), width, diagonal + top, dtype=bool)
        xp.copyto(result[..., rows, :], input[..., rows, :], where=kept(below))
    return result


@shared_kernel
def repeat(xp: Any, input: Any, repeats: tuple[int, ...]) -> Any:
    if not repeats:
        return input.copy()
    sizes = (1,) * (len(repeats) - input.ndim) + input.shape
    tiles = xp.empty([n for pair in zip(repeats, sizes, strict=True) for n in pair], input.dtype)
    input = input.reshape(sizes)
    whole = xp is not np or input.flags.c_contiguous
    # Some rows at a time lie in order first, as they are read several times.
    step = sizes[0] + 1 if whole else 65536 * sizes[0] // (input.size + 1) + 1
    for start in range(0, sizes[0], step):
        rows = xp.ascontiguousarray(input[start : start + step])
        tiles[:, start : start + step] = rows.reshape([n for size in rows.shape for n in (1, size)])
    return tiles.reshape([n * size for n, size in zip(repeats, sizes, strict=True)])


@shared_kernel
def repeated_places(xp: Any, repeats: Any) -> Any:
    # CuPy takes no array.
    times = repeats if xp is np else repeats.tolist()
    return xp.repeat(xp.arange(repeats.size, dtype=repeats.dtype), times)
