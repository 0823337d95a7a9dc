"""Different elements, membership and searching on the CPU.

Types of at most two bytes have so few values that a table has room for all of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import (
    LARGE,
    PART,
    SINGLE,
    converted,
    in_order,
    is_reduced,
    widened,
)
from lamella_core.backends.numpy_kernels.orders import keys_of
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import arithmetic, sorting
from lamella_core.kernels.gathering import FEW, parts_of
from lamella_core.offers import room

if TYPE_CHECKING:
    from collections.abc import Iterator


def _ranks(part: np.ndarray) -> np.ndarray:
    # Where elements are among all of their type. NaN is the last, and the two zeros are one.
    if is_reduced(part):
        part = keys_of(part.view(np.int16), part.dtype)[0]
        part += part < 0
    ranks = part.view(f"u{part.itemsize}")
    return ranks ^ (1 << 8 * part.itemsize - 1) if part.dtype.kind == "i" else ranks


def _counted(input: np.ndarray, first: Any = None) -> np.ndarray:
    # How often there is an element of each rank; into ``first`` the first of them.
    table = np.zeros(256**input.itemsize, np.int64 if input.size >> 31 else np.int32)
    one = table.dtype.type(1)
    for part in in_order(input[(slice(None, None, -1),) * input.ndim], PART // 2):
        ranks = _ranks(part)
        # Of another type, the number is added a hundred times slower.
        np.add.at(table, ranks, one)
        if first is not None:
            first[ranks] = part
    return table


def _wide(part: np.ndarray) -> np.ndarray:
    # NumPy knows no order of bfloat16 with NaN.
    return converted(part, SINGLE) if part.dtype.kind == "V" else part


def unique(input: np.ndarray, axis: int | None, inverse: bool, counts: bool) -> Any:
    if axis is None and input.size >= LARGE and input.itemsize <= 2:
        values = np.empty(256**input.itemsize, input.dtype)
        table = _counted(input, values)
        # Every NaN is an element of its own.
        if not (is_reduced(input) and table[-1]):
            seen = table > 0
            values, number = values[seen], table[seen].astype(np.int64) if counts else None
            places = np.empty(input.shape, np.int64) if inverse else None
            if places is not None:
                np.subtract(np.cumsum(seen, dtype=table.dtype, out=table), 1, table)
                for _, part in parts_of(input):
                    places[part] = table[_ranks(input[part])]
            return sorting.wanted(values, places, number)
    if input.dtype.kind == "V":
        return _unique(input, axis, inverse, counts)
    return sorting.unique(np, input, axis, inverse, counts)


def _starts(lines: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    # Parts of lines, and where in each of them a run of equal ones begins.
    step = max(PART // 3 * len(lines) // lines.size, 1)
    for start in range(0, len(lines), step):
        part = lines[max(start - 1, 0) : start + step]
        starts = np.ones(len(part) - (start > 0), bool)
        differs = starts[start < 1 :]
        if part.ndim == 1:
            np.not_equal(part[1:], part[:-1], differs)
        else:
            np.any(part[1:] != part[:-1], (*range(1, part.ndim),), differs)
        yield slice(start, start + step), starts


def unique_consecutive(input: np.ndarray, axis: int | None, inverse: bool, counts: bool) -> Any:
    if input.size < LARGE:
        return sorting.unique_consecutive(np, input, axis, inverse, counts)
    lines = input.ravel() if axis is None else np.moveaxis(input, axis, 0)
    total = sum([np.count_nonzero(starts) for _, starts in _starts(lines)])
    values = np.empty((total, *lines.shape[1:]), lines.dtype)
    number = np.empty(total, np.int64) if counts else None
    places = np.empty(input.shape if axis is None else len(lines), np.int64) if inverse else None
    stop, last = 0, np.empty(0, np.int64)
    for part, starts in _starts(lines):
        if places is not None:
            flat = places.reshape(-1)[part]
            np.add(np.cumsum(starts, out=flat), stop - 1, flat)
        some = lines[part] if starts.all() else lines[part].compress(starts, 0)
        start, stop = stop, stop + len(some)
        values[start:stop] = some
        if number is not None:
            last = np.append(last[-1:], np.flatnonzero(starts) + part.start)
            number[stop - last.size : stop - 1] = np.diff(last)
    if number is not None:
        number[-1] = len(lines) - last[-1]
    return sorting.wanted(np.moveaxis(values, 0, axis or 0), places, number)


def isin(elements: np.ndarray, test_elements: np.ndarray, invert: bool) -> np.ndarray:
    if elements.itemsize > 2 or elements.size < LARGE:
        return sorting.isin(np, _wide(elements), _wide(test_elements), invert)
    known = _counted(test_elements) > 0
    known[-1] &= not is_reduced(elements)
    known ^= invert
    result = room(np, elements.shape, known.dtype)
    for _, part in parts_of(elements):
        result[part] = known[_ranks(elements[part])]
    return result


def searchsorted(boundaries: np.ndarray, values: np.ndarray, right: bool, int32: bool) -> Any:
    brief = boundaries.dtype.kind == "V" and boundaries.size >= LARGE
    if boundaries.ndim == 1 and values.size <= FEW and not brief:
        return sorting.searchsorted(np, _wide(boundaries), _wide(values), right, int32)
    places = room(np, values.shape, np.int32 if int32 else np.int64)
    for row in np.ndindex(boundaries.shape[:-1]):
        at = (*row, ...)
        _search(boundaries[at], values[at], right, places[at])
    return places


def searchsorted_by(
    sorter: np.ndarray, sequence: np.ndarray, values: np.ndarray, right: bool, int32: bool
) -> Any:
    if sequence.dtype.kind == "V":
        return sorting.searchsorted_by(np, sorter, sequence, values, right, int32)
    places = room(np, values.shape, np.int32 if int32 else np.int64)
    side: Any = "right" if right else "left"
    for row in np.ndindex(sequence.shape[:-1]):
        at = (*row, ...)
        own, order = np.ascontiguousarray(sequence[at]), np.ascontiguousarray(sorter[at])
        for _, part in parts_of(values[at]) if values.size > FEW else ((0, ...),):
            places[at][part] = own.searchsorted(values[at][part], side, order)
    return places


def _search(boundaries: np.ndarray, values: np.ndarray, right: bool, places: np.ndarray) -> None:
    table = None
    brief = boundaries.dtype.kind == "V" and boundaries.size >= LARGE
    if brief or (values.itemsize <= 2 and values.size >= LARGE):
        # How many boundaries are before each value of the type.
        number = _counted(boundaries)
        table = np.cumsum(number, dtype=number.dtype)
        if not right:
            table -= number
    else:
        boundaries = np.ascontiguousarray(_wide(boundaries))
    for _, part in parts_of(values) if values.size > FEW else ((0, ...),):
        some = values[part]
        if table is None:
            places[part] = boundaries.searchsorted(_wide(some), "right" if right else "left")
        else:
            places[part] = table[_ranks(some[None])]


_unique = widened(sorting.unique)
_frexp: Any = partial(arithmetic.frexp, np)
for _kernel, _name in zip(
    (unique, unique_consecutive, isin, searchsorted, searchsorted_by, _frexp),
    ("unique", "unique_consecutive", "isin", "searchsorted", "searchsorted_by", "frexp"),
    strict=True,
):
    _kernel.reduced_precision = True
    register_kernel(_name, _kernel, "cpu")
