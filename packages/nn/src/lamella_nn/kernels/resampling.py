"""Array kernels of resampling along one dimension: one pass over the output for each neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import shared_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence


def _column(xp: Any, shares: Sequence[float], like: Any, dim: int) -> Any:
    return xp.asarray(shares, like.dtype).reshape(-1, *(1,) * (-1 - dim))


@shared_kernel
def resample(
    xp: Any,
    input: Any,
    dim: int,
    places: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]] | None,
) -> Any:
    total: Any = None
    for k, indices in enumerate(places):
        part = input.take(xp.asarray(indices), dim)
        if shares is not None:
            part *= _column(xp, shares[k], input, dim)
        if total is None:
            total = part
        else:
            total += part
    return total


@shared_kernel
def resample_backward(
    xp: Any,
    grad: Any,
    dim: int,
    size: int,
    places: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]] | None,
) -> Any:
    shape = list(grad.shape)
    shape[dim] = size
    result = xp.zeros(shape, grad.dtype)
    rest = (slice(None),) * (-1 - dim)
    for k, indices in enumerate(places):
        part = grad if shares is None else grad * _column(xp, shares[k], grad, dim)
        # What lies side by side at one place is summed first: then no place comes twice.
        starts = [i for i, at in enumerate(indices) if not i or at != indices[i - 1]]
        if len(starts) < len(indices):
            part = xp.add.reduceat(part, xp.asarray(starts), dim)
        result[(..., xp.asarray([indices[i] for i in starts]), *rest)] += part
    return result
