"""Array kernels of the cumulative ops."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.offers import offered, offers, room

# From this many elements a row on, whole rows at a time are faster than one accumulating call.
_LONG_ROW = 512


def _accumulated(xp: Any, function: Any, input: Any, axis: int) -> Any:
    if not input.ndim:
        return input.copy()
    if not input.flags.c_contiguous:
        # Laid out as the result is to be.
        return function.accumulate(input, axis, input.dtype, room(xp, input.shape, input.dtype))
    if axis or input.ndim == 1 or input[:1].size < _LONG_ROW:
        place = offered(input.shape, input.dtype) if offers else None
        return function.accumulate(input, axis, input.dtype, place)
    result = room(xp, input.shape, input.dtype)
    result[:1] = input[:1]
    for i in range(1, input.shape[0]):
        function(result[i - 1], input[i], result[i])
    return result


@shared_kernel
def cumsum(xp: Any, input: Any, axis: int) -> Any:
    return _accumulated(xp, xp.add, input, axis)


@shared_kernel
def cumprod(xp: Any, input: Any, axis: int) -> Any:
    return _accumulated(xp, xp.multiply, input, axis)


@shared_kernel
def cummax(xp: Any, input: Any, axis: int, *before: Any) -> tuple[Any, Any]:
    return _running(xp, input, axis, xp.maximum, xp.greater_equal, *before)


@shared_kernel
def cummin(xp: Any, input: Any, axis: int, *before: Any) -> tuple[Any, Any]:
    return _running(xp, input, axis, xp.minimum, xp.less_equal, *before)


def _running(
    xp: Any, input: Any, axis: int, extremum: Any, reaches: Any, first: Any = 0, start: int = 0
) -> tuple[Any, Any]:
    # Running extrema and the last index that reached each; NaN stays once it came.
    #
    # Indices are counted from ``start``, where the extremum is one that was reached at ``first``.
    if not input.ndim or not input.size:
        return input.copy(), xp.zeros(input.shape, xp.int64)
    values = extremum.accumulate(input, axis)
    head, tail = (slice(None),) * axis, (1,) * (input.ndim - axis - 1)
    rest = (*head, slice(1, None))
    later = input[rest]
    new = reaches(later, values[(*head, slice(-1))])
    if input.dtype.kind == "f":
        new |= later != later
    places = xp.zeros(input.shape, xp.int64)
    places[(*head, slice(1))] = first
    counted = xp.arange(start + 1, start + input.shape[axis]).reshape(-1, *tail)
    xp.copyto(places[rest], counted, where=new)
    return values, xp.maximum.accumulate(places, axis)


@shared_kernel
def logcumsumexp(xp: Any, input: Any, axis: int) -> Any:
    if not input.ndim or not input.size:
        return input.copy()
    if input.dtype.kind == "f":
        place = offered(input.shape, input.dtype) if offers else None
        return xp.logaddexp.accumulate(input, axis, None, place)
    moved = xp.moveaxis(input, axis, 0)
    result = xp.empty(moved.shape, input.dtype)
    result[0] = moved[0]
    before = moved[0].astype(xp.complex128)
    # One step at a time, so that the imaginary part goes on past pi instead of wrapping around.
    for i in range(1, moved.shape[0]):
        new = moved[i]
        larger = before.real >= new.real
        high, low = xp.where(larger, before, new), xp.where(larger, new, before)
        before = high + xp.log1p(xp.exp(low - high))
        result[i] = before
    return xp.moveaxis(result, 0, axis)
