"""Array kernels of resampling along one dimension: one pass over the output for each neighbour."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import suggests_channels_last

if TYPE_CHECKING:
    from collections.abc import Sequence

# Elements of a result that are made at a time on the CPU.
_BLOCK = 131072


@shared_kernel
def resample(
    xp: Any,
    input: Any,
    dim: int,
    places: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]] | None,
) -> Any:
    if suggests_channels_last(input):
        # Along the memory, and the result is channels-last, too.
        last = resample(xp, xp.moveaxis(input, 1, -1), dim - 1, places, shares)
        return xp.moveaxis(last, -1, 1)
    at = [xp.asarray(indices) for indices in places]
    parts: Any = [None] * len(places)
    if shares is not None:
        form = (-1, *(1,) * (-1 - dim))
        parts = [xp.asarray(each, input.dtype).reshape(form) for each in shares]
    length = len(at[0]) if at else 0
    size = input.size // max(input.shape[dim], 1) * length
    if size < 4 * _BLOCK or len(at) < 2 or xp is not np or not input.flags.c_contiguous:
        return _sum_of_taken(input, at, parts, dim)
    lead = input.shape[:dim]
    count = prod(lead)
    step = max(1, _BLOCK * count // size)
    # Some of what lies before the dimension at a time, so that no neighbour is held for all.
    flat = input.reshape(count, *input.shape[dim:])
    result = np.empty((count, length, *input.shape[dim:][1:]), input.dtype)
    for start in range(0, count, step):
        result[start : start + step] = _sum_of_taken(flat[start : start + step], at, parts, dim)
    return result.reshape(*lead, *result.shape[1:])


def _sum_of_taken(input: Any, places: list[Any], shares: list[Any], dim: int) -> Any:
    total: Any = None
    for indices, share in zip(places, shares, strict=True):
        part = input.take(indices, dim)
        if share is not None:
            part *= share
        if total is None:
            total = part
        else:
            total += part
    return total
