"""Array kernels of the statistics."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels import reduction
from lamella_core.kernels.reduction import reduced_size
from lamella_core.warning import warn


def squared_deviations(xp: Any, input: Any, centre: Any) -> Any:
    # The square of each element's distance from ``centre``.
    deviations = input - centre
    if deviations.dtype.kind == "c":
        squares = deviations.real * deviations.real
        squares += deviations.imag * deviations.imag
        return squares
    return xp.multiply(deviations, deviations, deviations if deviations.ndim else None)


@shared_kernel
def var(
    xp: Any, input: Any, axis: Any, correction: float, keepdims: bool, name: str = "var"
) -> Any:
    centre = reduction.sum(xp, input, axis, True)
    count = reduced_size(input.shape, axis)
    centre = centre / count
    total = reduction.sum(xp, squared_deviations(xp, input, centre), axis, keepdims)
    degrees = count - correction
    if degrees <= 0:
        warn(f"{name}(): degrees of freedom is <= 0")
        degrees = total.dtype.type(0)
    return total / degrees


@shared_kernel
def std(xp: Any, input: Any, axis: Any, correction: float, keepdims: bool) -> Any:
    return xp.sqrt(var(xp, input, axis, correction, keepdims, "std"))


@shared_kernel
def median_dim(xp: Any, input: Any, axis: int, keepdims: bool, ignore_nan: bool) -> Any:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    order = input.argsort(axis, kind="stable")
    length = input.shape[axis]
    if length == 0:
        raise IndexError(
            f"median(): Expected reduction dim {axis} to have non-zero size. "
            f"Got shape {list(input.shape)}"
        )
    place = (length - 1) // 2
    if input.dtype.kind == "f":
        missing = xp.add.reduce(input != input, axis, None, None, True)
        if ignore_nan:
            place = xp.maximum(length - missing - 1, 0) // 2
        else:
            place = xp.where(missing > 0, length - missing, place)
        index = xp.take_along_axis(order, place, axis)
    else:
        index = xp.take(order, xp.asarray([place]), axis)
    return _taken(xp, input, index, axis, keepdims)


def _taken(xp: Any, input: Any, index: Any, axis: int, keepdims: bool) -> tuple[Any, Any]:
    values = xp.take_along_axis(input, index, axis)
    return (values, index) if keepdims else (values.squeeze(axis), index.squeeze(axis))


@shared_kernel
def median(xp: Any, input: Any, ignore_nan: bool) -> Any:
    if input.size == 0:
        # As the processor converts it: of 32 and 64 bits the least integer, else 0.
        return xp.asarray(float("nan")).astype(input.dtype)
    flat = input.flatten("K")
    length = flat.size
    if flat.dtype.kind == "f" and xp.isnan(flat.max()):
        missing = int(xp.count_nonzero(flat != flat))
        # NaN is the greatest, so the last element is one.
        length = max(length - missing, 1) if ignore_nan else 2 * length
    place = (length - 1) // 2
    flat.partition(place)
    return flat[place]


@shared_kernel
def mode(xp: Any, input: Any, axis: int, keepdims: bool) -> Any:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    moved = xp.moveaxis(input, axis, -1)
    order = moved.argsort(-1, kind="stable")
    values = xp.take_along_axis(moved, order, -1)
    length = moved.shape[-1]
    places = xp.arange(length)
    starts = xp.ones(values.shape, bool)
    starts[..., 1:] = values[..., 1:] != values[..., :-1]
    first = xp.maximum.accumulate(xp.where(starts, places, 0), -1)
    runs = places - first
    last = runs.argmax(-1)[..., None]
    index = xp.moveaxis(xp.take_along_axis(order, last, -1), -1, axis)
    return _taken(xp, input, index, axis, keepdims)


@shared_kernel
def kthvalue(xp: Any, input: Any, k: int, axis: int, keepdims: bool) -> Any:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    order = input.argsort(axis, kind="stable")
    return _taken(xp, input, xp.take(order, xp.asarray([k - 1]), axis), axis, keepdims)


@shared_kernel
def bincount(xp: Any, input: Any, weights: Any, minlength: int) -> Any:
    counts = xp.bincount(input, weights, minlength)
    if weights is None:
        return counts.astype(xp.int64, copy=False)
    return counts.astype(weights.dtype if weights.dtype.kind == "f" else xp.float64, copy=False)
