"""Array kernels of resampling along one dimension: one pass over the output for each neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import suggests_channels_last

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    total: Any = None
    for k, indices in enumerate(places):
        part = input.take(xp.asarray(indices), dim)
        if shares is not None:
            part *= xp.asarray(shares[k], input.dtype).reshape(-1, *(1,) * (-1 - dim))
        if total is None:
            total = part
        else:
            total += part
    return total
