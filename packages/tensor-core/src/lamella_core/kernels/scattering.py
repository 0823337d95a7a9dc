"""Array kernels of writing at places given by index tensors and masks.

They write into their first array and return nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import (
    beyond,
    check_bounds,
    check_flat,
    flat_places,
    grid_at,
    same_elsewhere,
)

# Elements of a block.
_BLOCK = 32768
_UFUNCS = {"sum": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}


def _part_of(src: Any, index: Any) -> Any:
    # The leading part of ``src`` that an index of a smaller shape covers.
    if src.shape == index.shape:
        return src
    return src[tuple([slice(0, n) for n in index.shape])]


def _flat(array: Any) -> Any:
    return array.reshape(1) if not array.ndim else array


def _reduce_at(xp: Any, input: Any, place: Any, src: Any, reduce: str, include_self: bool) -> None:
    # Combines values with those at their places, several at one place among them.
    if not include_self:
        empty = {"prod": 1, "amax": _lowest(xp, input.dtype), "amin": _highest(xp, input.dtype)}
        input[place] = empty.get(reduce, 0)
    if input.dtype.kind == "b":
        ufunc = xp.logical_and if reduce in ("prod", "amin") else xp.logical_or
        ufunc.at(input, place, src)
        return
    getattr(xp, _UFUNCS.get(reduce, "add")).at(input, place, src)
    if reduce == "mean":
        shape = input.shape
        if len(place) < len(shape) or place[0].__class__ is slice:
            # One index for all that lies along a dimension.
            shape = [n if dim == len(place) - 1 else 1 for dim, n in enumerate(shape)]
            place = (*(0,) * (len(place) - 1), place[-1], *(0,) * (len(shape) - len(place)))
        counts = xp.full(shape, 1 if include_self else 0, xp.int64)
        xp.add.at(counts, place, 1)
        xp.maximum(counts, 1, out=counts)
        if xp is not np:
            # CuPy's functions write no other type than they compute.
            quotient = input // counts if input.dtype.kind in "iu" else input / counts
            input[...] = quotient.astype(input.dtype)
            return
        divide = xp.floor_divide if input.dtype.kind in "iu" else xp.true_divide
        divide(input, counts, out=input, casting="unsafe")


def _lowest(xp: Any, dtype: Any) -> Any:
    if dtype.kind in "iu":
        return int(xp.iinfo(dtype).min)
    return False if dtype.kind == "b" else -float("inf")


def _highest(xp: Any, dtype: Any) -> Any:
    if dtype.kind in "iu":
        return int(xp.iinfo(dtype).max)
    return True if dtype.kind == "b" else float("inf")


@shared_kernel
def scatter(xp: Any, input: Any, dim: int, index: Any, src: Any) -> None:
    if not index.size:
        return
    target, places = _flat(input), _flat(index)
    check_bounds(places, dim, target.shape[dim])
    target, place = _places_in(xp, target, dim, places)
    values = _values_at(place, src, places) if hasattr(src, "ndim") else src
    if place.__class__ is tuple:
        target[place] = values
    else:
        target.put(place, values)


def _values_at(place: Any, src: Any, index: Any) -> Any:
    # The part of ``src`` that an index covers, in the form that the places have.
    values = _part_of(_flat(src), index)
    return values if place.__class__ is tuple else values.reshape(-1)


def _places_in(xp: Any, target: Any, dim: int, index: Any) -> tuple[Any, Any]:
    # What to write into, and where: the array itself, or of few elements the flat one.
    if target.flags.c_contiguous and same_elsewhere(index.shape, target.shape, dim):
        place = flat_places(xp, target.shape, dim, index)
        if place is not None:
            return target.reshape(-1), place.reshape(-1)
    return target, grid_at(xp, index, dim)


@shared_kernel
def scatter_add(xp: Any, input: Any, dim: int, index: Any, src: Any) -> None:
    scatter_reduce(xp, input, dim, index, src, "sum", True)


@shared_kernel
def scatter_reduce(
    xp: Any, input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool
) -> None:
    if not index.size:
        return
    target, places = _flat(input), _flat(index)
    check_bounds(places, dim, target.shape[dim])
    target, place = _places_in(xp, target, dim, places)
    _reduce_at(xp, target, place, _values_at(place, src, places), reduce, include_self)


def _along(target: Any, dim: int, index: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * dim, index.reshape(-1))


@shared_kernel
def index_add(xp: Any, input: Any, dim: int, index: Any, source: Any, alpha: Any) -> None:
    target = _flat(input)
    error = IndexError if target.ndim == 1 else RuntimeError
    check_bounds(index, dim, target.shape[dim], error)
    if input.dtype.kind in "iu":
        alpha = xp.asarray(int(alpha)).astype(input.dtype)
    source = _flat(source)
    if alpha == 1 or xp is not np or source.size <= _BLOCK:
        values = source if alpha == 1 else (source * alpha).astype(input.dtype, copy=False)
        _reduce_at(xp, target, _along(target, dim, index), values, "sum", True)
        return
    # Some slices at a time, so that their products stay small.
    flat = index.reshape(-1)
    step = max(_BLOCK * flat.size // source.size, 1)
    for start in range(0, flat.size, step):
        at = _along(target, dim, flat[start : start + step])
        values = source[(*at[:-1], slice(start, start + step))] * alpha
        _reduce_at(xp, target, at, values.astype(input.dtype, copy=False), "sum", True)


@shared_kernel
def index_copy(xp: Any, input: Any, dim: int, index: Any, source: Any) -> None:
    target = _flat(input)
    try:
        check_bounds(index, dim, target.shape[dim], IndexError)
    except IndexError as error:
        raise IndexError(f"index_copy_(): {error}") from None
    target[_along(target, dim, index)] = _flat(source) if source.ndim == target.ndim else source


@shared_kernel
def index_fill(xp: Any, input: Any, dim: int, index: Any, value: Any) -> None:
    target = _flat(input)
    size = target.shape[dim]
    wrong = beyond(index, size)
    if wrong is not None:
        raise IndexError(f"index {wrong} is out of bounds for dimension {dim} with size {size}")
    target[_along(target, dim, index)] = value


@shared_kernel
def index_reduce(
    xp: Any, input: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool
) -> None:
    target = _flat(input)
    check_bounds(index, dim, target.shape[dim], IndexError)
    _reduce_at(xp, target, _along(target, dim, index), _flat(source), reduce, include_self)


@shared_kernel
def put(xp: Any, input: Any, index: Any, source: Any, accumulate: bool) -> None:
    check_flat(index, input.size)
    if not index.size:
        return
    target = _flat(input)
    place = index.reshape(-1)
    if target.flags.c_contiguous:
        target = target.reshape(-1)
    else:
        place = xp.unravel_index(xp.where(place < 0, place + target.size, place), target.shape)
    values = source.reshape(-1)
    if accumulate:
        _reduce_at(xp, target, place, values, "sum", True)
    else:
        target[place] = values


@shared_kernel
def masked_fill(xp: Any, input: Any, mask: Any, value: Any) -> None:
    xp.copyto(input, value, casting="unsafe", where=mask)


@shared_kernel
def masked_scatter(xp: Any, input: Any, mask: Any, source: Any) -> None:
    places = xp.broadcast_to(mask, input.shape)
    count = int(xp.count_nonzero(places))
    if count > source.size:
        raise RuntimeError(
            f"Number of elements of source < number of ones in mask "
            f"(masked_scatter: {source.size} < {count})"
        )
    input[places] = source.reshape(-1)[:count]
