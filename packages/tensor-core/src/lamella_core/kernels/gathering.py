"""Array kernels of reading at places given by index tensors and masks."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.offers import offered, offers, room

if TYPE_CHECKING:
    from collections.abc import Iterator

# Up to so many elements the number of calls counts, not their work and the memory that they take.
FEW = 4096
# Elements of a block, where there are more, and of rows from which on NumPy copies them fast.
_BLOCK = 16384
_SHORT = 16

_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def largest(index: Any) -> int:
    # The largest index; read as unsigned, so that a negative one is too large.
    #
    # One pass tells, and one wait on a device.
    index = index.view(_UNSIGNED[index.itemsize])
    if index.ndim and index.size <= FEW:
        # NumPy finds where the largest is in a third of the time that it takes to find it.
        return int(index.reshape(-1)[index.argmax()])
    return int(index.max())


def check_bounds(index: Any, dim: int, size: int, error: type[Exception] = RuntimeError) -> None:
    # Raises for an index that is not in ``[0, size)``.
    if index.size and largest(index) >= size:
        low = int(index.min())
        wrong = low if low < 0 else int(index.max())
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")


def grid_at(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    # An index for all dimensions: ``index`` for one of them, each place's own elsewhere.
    ndim = index.ndim
    place = []
    for d, size in enumerate(index.shape):
        if d == dim:
            place.append(index)
        else:
            place.append(xp.arange(size).reshape((1,) * d + (size,) + (1,) * (ndim - d - 1)))
    return tuple(place)


def same_elsewhere(one: tuple[int, ...], other: tuple[int, ...], dim: int) -> bool:
    # Whether two shapes are equal but for one dimension.
    return one[:dim] == other[:dim] and one[dim + 1 :] == other[dim + 1 :]


@lru_cache(32)
def _starts(shape: tuple[int, ...], axis: int) -> Any:
    # Where the slices along the first or last axis begin in the flat array; else None.
    if 0 < axis < len(shape) - 1 or prod(shape) > FEW:
        return None
    if axis:
        return np.arange(0, prod(shape), shape[axis]).reshape(*shape[:-1], 1)
    return np.arange(prod(shape[1:])).reshape(shape[1:])


def flat_places(xp: Any, shape: tuple[int, ...], axis: int, index: Any) -> Any:
    # Where in the flat array an index points to that has the array's sizes elsewhere.
    #
    # None for many elements, and for an axis between others.
    starts = _starts(shape, axis) if 0 < index.size <= FEW else None
    if starts is None:
        return None
    if xp is not np:
        starts = xp.asarray(starts)
    return index + starts if axis else index * starts.size + starts


def along(xp: Any, input: Any, axis: int, index: Any) -> Any:
    # ``take_along_axis`` for an index that has the array's sizes elsewhere.
    if input.ndim == 1:
        return select(xp, input, 0, index)
    places = flat_places(xp, input.shape, axis, index)
    return xp.take_along_axis(input, index, axis) if places is None else input.take(places)


def parts_of(array: Any) -> Iterator[tuple[int, tuple[slice, ...]]]:
    # The longest dimension, and the places of parts along it.
    cut = max(range(array.ndim), key=array.shape.__getitem__)
    step = max(_BLOCK * array.shape[cut] // array.size, 1)
    for start in range(0, array.shape[cut], step):
        yield cut, (*(slice(None),) * cut, slice(start, start + step))


def select(xp: Any, input: Any, dim: int, index: Any) -> Any:
    # The slices along a dimension at an index, whose entries are in ``[-size, size)``.
    if xp is not np or (not offers and (input.size <= FEW or input.flags.c_contiguous)):
        return input.take(index, dim)
    if not (dim or offers) and (input.ndim == 1 or (input.ndim == 2 and len(input[0]) >= _SHORT)):
        return np.ascontiguousarray(input[index])
    before, after = input.shape[:dim], input.shape[dim + 1 :]
    place = room(np, (*before, *index.shape, *after), input.dtype)
    flat = place.reshape(*before, index.size, *after)
    _select_into(flat, input, dim, index.reshape(-1))
    return place


def _select_into(place: Any, input: Any, dim: int, index: Any) -> None:
    # NumPy would copy all of an input that is not contiguous.
    length = max(len(input), 1)
    each = max(input.size // length, (place.size if dim else 0) // length, 1)
    step = max(4 * _BLOCK // each, 1)
    if not place.flags.c_contiguous and dim and step >= length:
        place[...] = input.take(index, dim)
    elif place.flags.c_contiguous and (input.flags.c_contiguous or (dim and step >= length)):
        # The mode that raises makes NumPy fill a copy of ``place``, as one with gaps does.
        input.take(index, dim, place, "wrap")
    elif not dim and 1 < each < _SHORT:
        for i in range(input.shape[-1]):
            _select_into(place[..., i], input[..., i], 0, index)
    else:
        for start in range(0, length if dim else index.size, step):
            part: Any = start if step == 1 else slice(start, start + step)
            if dim:
                _select_into(place[part], input[part], dim - (step == 1), index)
            else:
                place[part] = input[index[part]]


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
    return select(xp, input, dim, index.reshape(-1))


@shared_kernel
def gather(xp: Any, input: Any, dim: int, index: Any) -> Any:
    if not index.size:
        return xp.empty(index.shape, input.dtype)
    if input.ndim == 1 == index.ndim:
        check_bounds(index, 0, input.size)
        return select(xp, input, 0, index)
    place = offered(index.shape, input.dtype) if offers else None
    if place is not None:
        for cut, part in parts_of(place):
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
    if xp is np and not input.flags.c_contiguous:
        return input.flat[index]
    place = offered(index.shape, input.dtype) if offers else None
    if place is None:
        return input.reshape(-1).take(index)
    if place.flags.c_contiguous:
        return input.reshape(-1).take(index, None, place, "wrap")
    for _, part in parts_of(place):
        place[part] = input.reshape(-1).take(index[part])
    return place


def check_flat(index: Any, size: int) -> None:
    # Raises IndexError for a place that is not in ``[-size, size)``.
    wrong = beyond(index, size)
    if wrong is not None:
        raise IndexError(
            f"out of range: tried to access index {wrong} on a tensor of {size} elements."
        )


def beyond(index: Any, size: int) -> int | None:
    # An index that is not in ``[-size, size)``, None where there is none.
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
    places = input.nonzero()
    result = xp.empty((input.ndim, places[0].size), xp.int64)
    for dim, each in enumerate(places):
        result[dim] = each
    return result.T


@shared_kernel
def where(xp: Any, condition: Any, input: Any, other: Any) -> Any:
    if offers:
        shape = xp.broadcast_shapes(condition.shape, input.shape, other.shape)
        place = offered(shape, xp.result_type(input, other))
        if place is not None:
            arrays = xp.broadcast_arrays(condition, input, other)
            for _, part in parts_of(place):
                place[part] = xp.where(*[each[part] for each in arrays])
            return place
    return xp.where(condition, input, other)
