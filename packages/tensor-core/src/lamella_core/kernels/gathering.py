"""Array kernels of reading at places given by index tensors and masks."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.offers import offered, offers

if TYPE_CHECKING:
    from collections.abc import Iterator

# Up to so many elements the number of calls counts, not their work and the memory that they take.
FEW = 4096
# Elements of a block, where there are more.
_BLOCK = 16384

_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def largest(index: Any) -> int:
    """The largest index; read as unsigned, so that a negative one is too large.

    One pass tells, and one wait on a device.
    """
    index = index.view(_UNSIGNED[index.itemsize])
    if index.ndim and index.size <= FEW:
        # NumPy finds where the largest is in a third of the time that it takes to find it.
        return int(index.reshape(-1)[index.argmax()])
    return int(index.max())


def check_bounds(index: Any, dim: int, size: int, error: type[Exception] = RuntimeError) -> None:
    """Raises for an index that is not in ``[0, size)``."""
    if index.size and largest(index) >= size:
        low = int(index.min())
        wrong = low if low < 0 else int(index.max())
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")


def grid_at(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """An index for all dimensions: ``index`` for one of them, each place's own elsewhere."""
    ndim = index.ndim
    place = []
    for d, size in enumerate(index.shape):
        if d == dim:
            place.append(index)
        else:
            place.append(xp.arange(size).reshape((1,) * d + (size,) + (1,) * (ndim - d - 1)))
    return tuple(place)


def same_elsewhere(one: tuple[int, ...], other: tuple[int, ...], dim: int) -> bool:
    """Whether two shapes are equal but for one dimension."""
    return one[:dim] == other[:dim] and one[dim + 1 :] == other[dim + 1 :]


@lru_cache(32)
def _starts(shape: tuple[int, ...], axis: int) -> Any:
    # Where the slices along the first or last axis begin in the flat array.
    if axis:
        return np.arange(0, prod(shape), shape[axis]).reshape(*shape[:-1], 1)
    return np.arange(prod(shape[1:])).reshape(shape[1:])


def flat_places(xp: Any, shape: tuple[int, ...], axis: int, index: Any) -> Any:
    """Where in the flat array an index points to that has the array's sizes elsewhere.

    None for many elements, and for an axis between others.
    """
    if not 0 < index.size <= FEW or 0 < axis < len(shape) - 1 or prod(shape) > FEW:
        return None
    starts = _starts(shape, axis)
    if xp is not np:
        starts = xp.asarray(starts)
    return index + starts if axis else index * prod(shape[1:]) + starts


def along(xp: Any, input: Any, axis: int, index: Any) -> Any:
    """``take_along_axis`` for an index that has the array's sizes elsewhere."""
    if input.ndim == 1:
        return input.take(index)
    places = flat_places(xp, input.shape, axis, index)
    return xp.take_along_axis(input, index, axis) if places is None else input.take(places)


def _parts(array: Any) -> Iterator[tuple[int, tuple[slice, ...]]]:
    # The longest dimension, and the places of parts along it.
    cut = max(range(array.ndim), key=array.shape.__getitem__)
    step = max(_BLOCK * array.shape[cut] // array.size, 1)
    for start in range(0, array.shape[cut], step):
        yield cut, (*(slice(None),) * cut, slice(start, start + step))


@shared_kernel
def index_select(xp: Any, input: Any, dim: int, index: Any) -> Any:
    if not input.ndim:
        check_bounds(index, 0, 1, IndexError)
        return input.copy()
    size = input.shape[dim]
    if index.size and largest(index) >= size:
        raise IndexError(
            f"index out of range in self (index_select: dimension {dim} has size {size})"
        )
    index = index.reshape(-1)
    if offers:
        place = offered((*input.shape[:dim], index.size, *input.shape[dim + 1 :]), input.dtype)
        if place is not None:
            # Any other mode makes NumPy fill a copy of it.
            return input.take(index, dim, place, "clip")
    return input.take(index, dim)


@shared_kernel
def gather(xp: Any, input: Any, dim: int, index: Any) -> Any:
    if not index.size:
        return xp.empty(index.shape, input.dtype)
    if input.ndim == 1 == index.ndim:
        check_bounds(index, 0, input.size)
        place = offered(index.shape, input.dtype) if offers else None
        return input.take(index) if place is None else input.take(index, None, place, "clip")
    place = offered(index.shape, input.dtype) if offers else None
    if place is not None:
        for cut, part in _parts(place):
            place[part] = gather(xp, input if cut == dim else input[part], dim, index[part])
        return place
    flat_input = input.reshape(1) if not input.ndim else input
    flat_index = index.reshape(1) if not index.ndim else index
    check_bounds(index, dim, flat_input.shape[dim])
    if same_elsewhere(flat_index.shape, flat_input.shape, dim):
        result = along(xp, flat_input, dim, index)
    else:
        result = flat_input[grid_at(xp, flat_index, dim)].reshape(index.shape)
    return result if result.flags.c_contiguous else result.copy("C")


@shared_kernel
def take(xp: Any, input: Any, index: Any) -> Any:
    check_flat(index, input.size)
    if not index.size:
        return xp.empty(index.shape, input.dtype)
    place = offered(index.shape, input.dtype) if offers else None
    if place is not None:
        return input.reshape(-1).take(index, None, place, "wrap")
    return input.reshape(-1).take(index)


def check_flat(index: Any, size: int) -> None:
    """Raises IndexError for a place that is not in ``[-size, size)``."""
    wrong = beyond(index, size)
    if wrong is not None:
        raise IndexError(
            f"out of range: tried to access index {wrong} on a tensor of {size} elements."
        )


def beyond(index: Any, size: int) -> int | None:
    """An index that is not in ``[-size, size)``, None where there is none."""
    if not index.size or (index.size <= FEW and largest(index + size) < 2 * size):
        return None
    low, high = int(index.min()), int(index.max())
    return high if high >= size else low if low < -size else None


@shared_kernel
def masked_select(xp: Any, input: Any, mask: Any) -> Any:
    return input[mask]


@shared_kernel
def nonzero(xp: Any, input: Any) -> Any:
    if not input.ndim:
        return xp.empty((int(bool(input)), 0), xp.int64)
    if input.ndim == 1:
        return input.nonzero()[0].reshape(1, -1).T
    # As in PyTorch the places along a dimension lie side by side.
    if xp is not np or input.size <= FEW:
        places = input.nonzero()
        result = xp.empty((input.ndim, places[0].size), xp.int64)
        for dim, each in enumerate(places):
            result[dim] = each
        return result.T
    result = np.empty((input.ndim, np.count_nonzero(input)), np.int64)
    flat = input.reshape(-1) if input.flags.c_contiguous else input.flat
    done = 0
    for start in range(0, input.size, _BLOCK):
        found = flat[start : start + _BLOCK].nonzero()[0]
        found += start
        part = slice(done, done + found.size)
        for dim, each in enumerate(np.unravel_index(found, input.shape)):
            result[dim, part] = each
        done = part.stop
    return result.T


@shared_kernel
def where(xp: Any, condition: Any, input: Any, other: Any) -> Any:
    if offers:
        shape = xp.broadcast_shapes(condition.shape, input.shape, other.shape)
        place = offered(shape, xp.result_type(input, other))
        if place is not None:
            arrays = xp.broadcast_arrays(condition, input, other)
            for _, part in _parts(place):
                place[part] = xp.where(*[each[part] for each in arrays])
            return place
    return xp.where(condition, input, other)
