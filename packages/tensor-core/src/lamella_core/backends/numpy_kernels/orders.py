"""Orders and running results on the CPU, part by part, and orders of half precision by its bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import (
    LARGE,
    PART,
    SUMS,
    in_parts,
    is_reduced,
    scanned,
)
from lamella_core.backends.numpy_kernels.deviations import count_nonzero
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import cumulative, gathering, sorting, statistics
from lamella_core.kernels.gathering import FEW, along
from lamella_core.offers import offered, offers
from lamella_core.quiet import quiet

_NAN = 0x7FFF
_SORTED = PART // 2


def keys_of(bits: np.ndarray, reduced: Any) -> tuple[np.ndarray, int]:
    """The bits of half precision as integers that are in the numbers' order, NaN the greatest, and
    how many these are.
    """
    keys = bits ^ ((bits >> 15) & _NAN)
    infinity = np.array(np.inf, reduced).view(np.int16)
    missing = (keys > infinity) | (keys < ~infinity)
    keys[missing] = _NAN
    return keys, int(np.count_nonzero(missing))


def _sorted_part(input: np.ndarray, axis: int, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    if not input.ndim or not is_reduced(input):
        return _sort(np, input, axis, descending)
    keys, _ = keys_of(input.view(np.int16), input.dtype)
    # The two zeros are equal.
    order = _order(np, np.add(keys, keys < 0, keys), axis, descending)
    return along(np, input, axis, order), order


_sort, _order = sorting.sort, sorting._order
_sorted_parts = in_parts(_sorted_part, 0, -1, False, _SORTED)


def sort(input: np.ndarray, axis: int, descending: bool) -> tuple[np.ndarray, np.ndarray]:
    if input.size < LARGE or 0 in input.strides:
        return _sorted_part(input, axis, descending)
    # In the order of memory, which results keep.
    order = sorted(range(input.ndim), key=[-s for s in input.strides].__getitem__)
    results = _sorted_parts(input.transpose(order), order.index(axis), descending)
    back = sorted(range(input.ndim), key=order.__getitem__)
    return results[0].transpose(back), results[1].transpose(back)


def median(input: np.ndarray, ignore_nan: bool) -> Any:
    if not is_reduced(input) or input.size < LARGE:
        values = input.astype(np.float32) if is_reduced(input) else input
        return _median(np, values, ignore_nan).astype(input.dtype)
    keys = input.flatten("K").view(np.int16)
    missing = 0
    for start in range(0, keys.size, PART):
        keys[start : start + PART], count = keys_of(keys[start : start + PART], input.dtype)
        missing += count
    place = (max(keys.size - missing, 1) - 1) // 2 if ignore_nan or not missing else -1
    keys.partition(place)
    key = keys[place]
    return (key ^ ((key >> 15) & _NAN)).view(input.dtype)


_median = quiet(statistics.median)


def _in_wide(name: str) -> None:
    whole = quiet(getattr(cumulative, name))
    in_blocks = scanned(whole, PART // 6, SUMS)

    def kernel(input: np.ndarray, axis: int) -> Any:
        # NumPy's own makes a copy.
        cut = input.dtype in SUMS or (name[0] == "l" and input.dtype.kind == "f")
        return in_blocks(input, axis) if cut else whole(np, input, axis)

    kernel.reduced_precision = True  # type: ignore[attr-defined]
    register_kernel(name, kernel, "cpu")


for _name in ("cumsum", "cumprod", "logcumsumexp"):
    _in_wide(_name)
for _name in ("cummax", "cummin"):
    register_kernel(_name, scanned(quiet(getattr(cumulative, _name)), PART // 6), "cpu")


def flat_parts(*arrays: Any) -> Any:
    # The same parts of flat arrays, of which some may be None.
    for start in range(0, arrays[0].size, PART // 2):
        part = slice(start, start + PART // 2)
        yield [None if each is None else each[part] for each in arrays]


def bincount(input: np.ndarray, weights: Any, minlength: int) -> np.ndarray:
    # NumPy makes numbers int64 and weights float64.
    if input.size < LARGE or (
        input.itemsize == 8 and (weights is None or weights.dtype == np.float64)
    ):
        return statistics.bincount(np, input, weights, minlength)
    length = max(minlength, int(input.max()) + 1)
    counts = np.zeros(length, np.int64 if weights is None else np.float64)
    for part, share in flat_parts(input, weights):
        if length > PART:
            # Slower, but without counts for each part. Other types take a slow way in it.
            share = 1 if share is None else share.astype(np.float64)
            np.add.at(counts, part.astype(np.intp), share)
        else:
            counts += np.bincount(part, share, length)
    single = weights is not None and weights.dtype.kind == "f"
    return counts.astype(weights.dtype) if single else counts


def nonzero(input: np.ndarray) -> np.ndarray:
    if input.size <= FEW:
        return gathering.nonzero(np, input)
    count = int(count_nonzero(input, None, False))
    place = offered((count, input.ndim), np.int64) if offers else None
    result = np.empty((input.ndim, count), np.int64) if place is None else place.T
    _fill_places(input, result, 0)
    # As in PyTorch the places along a dimension lie side by side.
    return result.T


def _fill_places(input: np.ndarray, result: np.ndarray, stop: int) -> int:
    # Writes the places of what is not zero from ``stop`` on, and returns where they end.
    step = max(PART // 2 * len(input) // input.size, 1)
    for start in range(0, len(input), step):
        begin = stop
        if step == 1 and input.ndim > 1:
            stop = _fill_places(input[start], result[1:], begin)
            result[0, begin:stop] = start
        else:
            places = input[start : start + step].nonzero()
            stop += places[0].size
            for target, each in zip(result, places, strict=True):
                target[begin:stop] = each
            result[0, begin:stop] += start
    return stop


for _kernel in (bincount, nonzero):
    register_kernel(_kernel.__name__, _kernel, "cpu")
sort.reduced_precision = median.reduced_precision = True  # type: ignore[attr-defined]
register_kernel("sort", sort, "cpu")
register_kernel("median", median, "cpu")
