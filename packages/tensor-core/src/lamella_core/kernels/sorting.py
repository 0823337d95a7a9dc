"""Array kernels of sorting and searching."""

from __future__ import annotations

from math import prod
from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import along


@shared_kernel
def sort(xp: Any, input: Any, axis: int, descending: bool) -> tuple[Any, Any]:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    order = _order(xp, input, axis, descending)
    return along(xp, input, axis, order), order


def _order(xp: Any, input: Any, axis: int, descending: bool) -> Any:
    """Stable order of the elements; NaN is the greatest, as NumPy has it."""
    if not descending:
        return input.argsort(axis, kind="stable")
    turned = (slice(None),) * axis + (slice(None, None, -1),)
    order = input[turned].argsort(axis, kind="stable")[turned]
    return xp.subtract(input.shape[axis] - 1, order)


# Above this ratio of the whole to the wanted part, selecting first is faster than sorting all.
_SELECTING_PAYS = 8


@shared_kernel
def topk(xp: Any, input: Any, k: int, axis: int, largest: bool) -> tuple[Any, Any]:
    if not input.ndim:
        return input[None][:k].reshape(() if k else (0,)), xp.zeros(() if k else (0,), xp.int64)
    length = input.shape[axis]
    if not 0 < k * _SELECTING_PAYS < length:
        order = _part(_order(xp, input, axis, largest), axis, 0, k).copy()
        return along(xp, input, axis, order), order
    place = length - k if largest else k - 1
    order = xp.argpartition(input, place, axis)
    order = _part(order, axis, place, length) if largest else _part(order, axis, 0, k)
    chosen = along(xp, input, axis, order)
    inner = _order(xp, chosen, axis, largest)
    return along(xp, chosen, axis, inner), along(xp, order, axis, inner)


def _part(array: Any, axis: int, start: int, stop: int) -> Any:
    return array[(slice(None),) * axis + (slice(start, stop),)]


@shared_kernel
def unique(xp: Any, input: Any, axis: int | None, bare: bool) -> Any:
    if bare:
        # Without the places that the rest needs.
        values = xp.sort(input, None, kind="stable" if input.dtype.kind == "f" else None)
        first = xp.ones(values.shape, bool)
        xp.not_equal(values[1:], values[:-1], first[1:])
        return values[first]
    values, inverse, counts = xp.unique(
        input, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    shape = input.shape if axis is None else (input.shape[axis],)
    return values, inverse.reshape(shape).astype(xp.int64, copy=False), counts


@shared_kernel
def unique_consecutive(xp: Any, input: Any, axis: int | None) -> tuple[Any, Any, Any]:
    lines = input.ravel() if axis is None else xp.moveaxis(input, axis, 0)
    length = lines.shape[0]
    starts = xp.ones(length, bool)
    if length > 1:
        differ = lines[1:] != lines[:-1]
        starts[1:] = differ.reshape(length - 1, -1).any(1)
    places = xp.flatnonzero(starts)
    values = lines[places]
    inverse = xp.cumsum(starts, dtype=xp.int64) - 1
    counts = xp.diff(places, append=xp.asarray([length])).astype(xp.int64)
    if axis is None:
        return values, inverse.reshape(input.shape), counts
    return xp.moveaxis(values, 0, axis), inverse, counts


@shared_kernel
def isin(xp: Any, elements: Any, test_elements: Any, invert: bool) -> Any:
    return xp.isin(elements, test_elements, invert=invert)


@shared_kernel
def searchsorted(xp: Any, boundaries: Any, values: Any, right: bool, int32: bool) -> Any:
    side = "right" if right else "left"
    if boundaries.ndim == 1:
        places = xp.searchsorted(boundaries, values, side)
    else:
        count = prod(boundaries.shape[:-1])
        rows = boundaries.reshape(count, boundaries.shape[-1])
        wanted = values.reshape(count, values.shape[-1])
        places = xp.empty(wanted.shape, xp.int64)
        for i in range(count):
            places[i] = xp.searchsorted(rows[i], wanted[i], side)
        places = places.reshape(values.shape)
    return xp.asarray(places, xp.int32 if int32 else xp.int64)
