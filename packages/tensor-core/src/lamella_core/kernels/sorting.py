"""Array kernels of sorting and searching."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import FEW, along, parts_of
from lamella_core.offers import room


@shared_kernel
def sort(xp: Any, input: Any, axis: int, descending: bool) -> tuple[Any, Any]:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    order = _order(xp, input, axis, descending)
    return along(xp, input, axis, order), order


def _order(xp: Any, input: Any, axis: int, descending: bool) -> Any:
    # Stable order of the elements; NaN is the greatest, as NumPy has it.
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
        return input[None][:k].reshape(() if k else (0,)).copy(), xp.zeros(
            () if k else (0,), xp.int64
        )
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
def unique(xp: Any, input: Any, axis: int | None, inverse: bool, counts: bool) -> Any:
    if axis is not None:
        if not inverse and not counts:
            return xp.unique(input, axis=axis, equal_nan=False)
        found = xp.unique(
            input, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
        )
        places = found[1].reshape(input.shape[axis]).astype(xp.int64, copy=False)
        return wanted(found[0], places if inverse else None, found[2] if counts else None)
    kind = "stable" if input.dtype.kind == "f" else None
    if inverse:
        flat = input.ravel()
        order = flat.argsort(kind=kind)
        values = flat[order]
    else:
        values = xp.sort(input, None, kind=kind)
    first = xp.ones(values.shape, bool)
    xp.not_equal(values[1:], values[:-1], first[1:])
    # What is no longer needed goes at once: it is as large as the input.
    values = values[first]
    number = _run_lengths(xp, first) if counts else None
    if not inverse:
        return wanted(values, None, number)
    found = xp.empty(input.shape, xp.int64)
    step, stop = 16 * FEW if xp is np else max(order.size, 1), 0
    for start in range(0, order.size, step):
        places = xp.cumsum(first[start : start + step]) + (stop - 1)
        found.reshape(-1)[order[start : start + step]] = places
        stop = places[-1] + 1
    return wanted(values, found, number)


def wanted(values: Any, *more: Any) -> Any:
    """The results that are asked for, alone or in a tuple."""
    results = (values, *[each for each in more if each is not None])
    return results if len(results) > 1 else values


def _run_lengths(xp: Any, starts: Any) -> Any:
    # How long the runs are that begin where ``starts`` is true.
    places = xp.flatnonzero(starts)
    lengths = xp.empty(places.shape, xp.int64)
    xp.subtract(places[1:], places[:-1], lengths[:-1])
    lengths[-1:] = starts.shape[0] - places[-1:]
    return lengths


@shared_kernel
def unique_consecutive(xp: Any, input: Any, axis: int | None, inverse: bool, counts: bool) -> Any:
    lines = input.ravel() if axis is None else xp.moveaxis(input, axis, 0)
    length = lines.shape[0]
    starts = xp.ones(length, bool)
    if lines.ndim == 1:
        xp.not_equal(lines[1:], lines[:-1], starts[1:])
    elif length > 1:
        starts[1:] = (lines[1:] != lines[:-1]).reshape(length - 1, -1).any(1)
    values = lines[starts]
    number = _run_lengths(xp, starts) if counts else None
    places = None
    if inverse:
        places = starts.astype(xp.int64)
        xp.cumsum(places, out=places)
        places -= 1
        places = places.reshape(input.shape) if axis is None else places
    return wanted(values if axis is None else xp.moveaxis(values, 0, axis), places, number)


@shared_kernel
def isin(xp: Any, elements: Any, test_elements: Any, invert: bool) -> Any:
    if xp is np and elements.size * test_elements.size <= FEW:
        equal = elements[..., None] == test_elements.reshape(-1)
        return np.equal(np.logical_or.reduce(equal, -1), not invert)
    few = 0 < 64 * test_elements.size <= elements.size
    if xp is not np or elements.size <= FEW or not few:
        return xp.isin(elements, test_elements, invert=invert)
    known = np.unique(test_elements)
    compare = np.not_equal if invert else np.equal
    result = room(np, elements.shape, np.dtype(bool))
    for _, part in parts_of(elements):
        some = elements[part]
        if some.dtype.kind in "iu":
            result[part] = np.isin(some, known, invert=invert)
        else:
            result[part] = compare(known.take(known.searchsorted(some), mode="clip"), some)
    return result


@shared_kernel
def searchsorted(xp: Any, boundaries: Any, values: Any, right: bool, int32: bool) -> Any:
    side = "right" if right else "left"
    kind = xp.dtype(xp.int32 if int32 else xp.int64)
    if boundaries.ndim == 1:
        return xp.asarray(xp.searchsorted(boundaries, values, side), kind)
    places = xp.empty(values.shape, kind)
    for at in np.ndindex(values.shape[:-1]):
        places[at] = xp.searchsorted(boundaries[at], values[at], side)
    return places


@shared_kernel
def searchsorted_by(
    xp: Any, sorter: Any, sequence: Any, values: Any, right: bool, int32: bool
) -> Any:
    if sequence.itemsize == 2 and sequence.dtype.kind in "fV":
        sequence, values = sequence.astype(xp.float32), values.astype(xp.float32)
    return searchsorted(xp, xp.take_along_axis(sequence, sorter, -1), values, right, int32)
