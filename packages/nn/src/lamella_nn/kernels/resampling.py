"""Array kernels of resampling: along one dimension after the other, a pass for each neighbour."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import suggests_channels_last

if TYPE_CHECKING:
    from collections.abc import Sequence

# Elements that are made at a time on the CPU, and the size of a result from which that is done.
_BLOCK = 65536
_LARGE = 524288

# For each neighbour, which element it is, and its share (None: all of it).
Neighbours = list[tuple[Any, Any]]


@shared_kernel
def resample(
    xp: Any,
    input: Any,
    places: Sequence[Sequence[Sequence[int]]],
    shares: Sequence[Sequence[Sequence[float]]] | None,
) -> Any:
    if suggests_channels_last(input):
        # Along the memory, and the result is channels-last, too.
        last = _resampled(xp, xp.moveaxis(input, 1, -1), places, shares, 1)
        return xp.moveaxis(last, -1, 1)
    return _resampled(xp, input, places, shares, 0)


def _resampled(
    xp: Any, input: Any, places: Sequence[Any], shares: Sequence[Any] | None, behind: int
) -> Any:
    """``resample`` of the dimensions before the last ``behind`` ones."""
    dims = len(places)
    first = input.ndim - behind - dims
    is_half = input.dtype.itemsize == 2 and input.dtype.kind not in "iu"
    wide = xp.float32 if is_half and shares is not None else input.dtype
    every: list[Neighbours] = []
    for i, each in enumerate(places):
        form = (-1, *(1,) * (dims + behind - 1 - i))
        given = [None] * len(each) if shares is None else shares[i]
        every.append(
            [
                (xp.asarray(at), None if x is None else xp.asarray(x, wide).reshape(form))
                for at, x in zip(each, given, strict=True)
            ]
        )
    counts = [len(each[0][0]) for each in every]
    lead, sizes = input.shape[:first], input.shape[first:]
    # What there is for each element of the first dimensions after each step.
    stages = [prod(counts[: i + 1]) * prod(sizes[i + 1 :]) for i in range(dims)]
    count, most = prod(lead), max(stages)
    if xp is not np or count * most < _LARGE:
        return _apply(xp, input, every, first, wide).astype(input.dtype, copy=False)
    result = np.empty((*lead, *counts, *sizes[dims:]), input.dtype)
    step = max(1, _BLOCK // most)
    rows = counts[0] if step > 1 else max(1, _BLOCK * counts[0] // most)
    # Image by image where bringing them together would be a copy.
    apart = first > 1 and not input.flags.c_contiguous
    for whole, source in zip(result, input, strict=True) if apart else [(result, input)]:
        flat = source.reshape(-1, *sizes)
        made = whole.reshape(-1, *result.shape[first:])
        for row in range(0, counts[0], rows):
            part = slice(row, row + rows)
            cut = [(at[part], None if x is None else x[part]) for at, x in every[0]]
            for start in range(0, len(flat), step):
                some = slice(start, start + step)
                target = made[some, part]
                if wide != input.dtype:
                    target[...] = _apply(xp, flat[some], [cut, *every[1:]], 1, wide)
                else:
                    _apply(xp, flat[some], [cut, *every[1:]], 1, wide, target)
    return result


def _apply(
    xp: Any, input: Any, every: list[Neighbours], first: int, wide: Any, out: Any = None
) -> Any:
    """The steps of a part, the last of which writes into ``out`` where it is given."""
    last = first + len(every) - 1
    for dim, neighbours in enumerate(every, first):
        total: Any = None
        for at, share in neighbours:
            target = out if dim == last and total is None else None
            if target is not None and share is None:
                # All places are inside; NumPy would write into a copy if it had to find out.
                part = input.take(at, dim, target, "clip")
            else:
                part = input.take(at, dim)
                if part.dtype != wide:
                    part = part.astype(wide)
            if share is not None:
                target = part if target is None else target
                part = xp.multiply(part, share, target)
            if total is None:
                total = part
            else:
                total += part
        input = total
    return input
