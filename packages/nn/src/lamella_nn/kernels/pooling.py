"""Array kernels of pooling: one pass over the output for each position in the window.

Every pass runs over whole arrays, so the cost a call does not grow with the number of windows.
Maximum pooling keeps, for each window, the flat index of the element that it chose.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.precision import compute_type, single
from lamella_nn.kernels.windows import kernel_slices, output_sizes, room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_nn.kernels.windows import Sizes

    Geometry = tuple[Sizes, Sizes, bool]


MOST_COPIES = 9


def pooled_sizes(
    sizes: Sequence[int],
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Sizes:
    """How many windows there are along each dimension.

    With ``ceil_mode`` a last window may stand partly beyond the end, as long as it starts inside
    the input or its left padding.
    """
    if not ceil_mode:
        return output_sizes(sizes, kernel, stride, padding, dilation)
    out = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        count = -((n + 2 * p - d * (k - 1) - 1) // -s) + 1
        if (count - 1) * s >= n + p:
            count -= 1
        out.append(count)
    return tuple(out)


def _needed(kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> Sizes:
    """The padded sizes that the windows reach over."""
    return tuple(
        [
            (n - 1) * s + d * (k - 1) + 1
            for n, s, d, k in zip(out, stride, dilation, kernel, strict=True)
        ]
    )


@lru_cache(256)
def geometry(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Geometry:
    """How many windows there are, the padded sizes they reach over, and whether all lie inside."""
    out = pooled_sizes(sizes, kernel, stride, padding, dilation, ceil_mode)
    return fitted(sizes, kernel, stride, padding, dilation, out)


def fitted(
    sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes
) -> Geometry:
    """The geometry of so many windows; the padding behind is as much as they need."""
    needed = _needed(kernel, stride, dilation, out)
    inside = not any(padding) and all(n <= m for n, m in zip(needed, sizes, strict=True))
    return out, needed, inside


def _fit(xp: Any, input: Any, padding: Sizes, needed: Sizes, value: Any) -> Any:
    """``input`` with ``padding`` before, and as much behind or cut off as makes ``needed``."""
    sizes = input.shape[-len(needed) :]
    if not any(padding) and all(n <= m for n, m in zip(needed, sizes, strict=True)):
        return input
    result = xp.full((*input.shape[: -len(needed)], *needed), value, dtype=input.dtype)
    kept = [min(m - p, n) for m, p, n in zip(needed, padding, sizes, strict=True)]
    target = [slice(p, p + k) for p, k in zip(padding, kept, strict=True)]
    result[(..., *target)] = input[(..., *[slice(k) for k in kept])]
    return result


def _lowest(xp: Any, dtype: Any) -> Any:
    return -xp.inf if dtype.kind == "f" else xp.iinfo(dtype).min


def flat_base(xp: Any, sizes: Sizes, stride: Sizes, padding: Sizes, out: Sizes) -> Any:
    """The flat index, in the unpadded input, of each window's first element."""
    base = xp.zeros((1,) * len(out), xp.int64)
    for axis, (s, p, n) in enumerate(zip(stride, padding, out, strict=True)):
        starts = (xp.arange(n) * s - p) * prod(sizes[axis + 1 :])
        base = base + starts.reshape(-1, *[1] * (len(out) - axis - 1))
    return base


def _flat_offset(position: Sizes, dilation: Sizes, sizes: Sizes) -> int:
    return sum(
        i * d * prod(sizes[axis + 1 :])
        for axis, (i, d) in enumerate(zip(position, dilation, strict=True))
    )


@shared_kernel
def max_pool_with_indices(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> tuple[Any, Any]:
    settings = kernel, stride, padding, dilation
    found = geometry(input.shape[-len(kernel) :], *settings, ceil_mode)
    return max_with_places(xp, input, *settings, found)


def max_with_places(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    windows: Geometry,
    base: Any = None,
) -> tuple[Any, Any]:
    """Maxima and their places, of which ``base`` is each window's first."""
    sizes = input.shape[-len(kernel) :]
    out, needed, inside = windows
    spread = input if inside else _fit(xp, input, padding, needed, _lowest(xp, input.dtype))
    if base is None:
        base = flat_base(xp, sizes, stride, padding, out)
    views = [spread[(..., *slices)] for _, slices in kernel_slices(kernel, stride, dilation, out)]
    if len(views) <= MOST_COPIES and stride[-1] > 1:
        # Each view is read three times; short strided rows cost more than one copy.
        views = [xp.ascontiguousarray(values) for values in views]
    best = views[0].copy()
    for values in views[1:]:
        xp.maximum(best, values, out=best)
    offsets = _first_equal(xp, views, best)
    has_nan = bool(offsets.size) and int(offsets.min()) == 0
    steps = [_flat_offset(position, dilation, sizes) for position in product(*map(range, kernel))]
    offsets = xp.asarray([0, *reversed(steps)]).take(offsets)
    if any(padding):
        # A window of nothing above the padding's value has chosen the padding; its first real
        # element holds the same value.
        first = [
            xp.maximum(0, -((xp.arange(n) * s - p) // d)) * d
            for n, s, p, d in zip(out, stride, padding, dilation, strict=True)
        ]
        start = xp.zeros_like(base)
        for axis, shift in enumerate(first):
            steps = shift * prod(sizes[axis + 1 :])
            start = start + steps.reshape(-1, *[1] * (len(out) - axis - 1))
        xp.maximum(offsets, start, out=offsets)
        lowest = best == _lowest(xp, input.dtype)
        if lowest.any():
            xp.copyto(offsets, start, where=lowest)
    offsets += base
    if has_nan:
        _choose_nan(xp, spread, offsets, base, kernel, stride, dilation, sizes, out)
    return best, offsets


@shared_kernel
def max_pool(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Any:
    settings = kernel, stride, padding, dilation
    found = geometry(input.shape[-len(kernel) :], *settings, ceil_mode)
    return largest(xp, input, *settings, found)


def largest(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    windows: Geometry,
) -> Any:
    out, needed, inside = windows
    spread = input if inside else _fit(xp, input, padding, needed, _lowest(xp, input.dtype))
    best: Any = None
    for _, slices in kernel_slices(kernel, stride, dilation, out):
        part = spread[(..., *slices)]
        best = part.copy() if best is None else xp.maximum(best, part, out=best)
    return best


def _first_equal(xp: Any, views: list[Any], best: Any) -> Any:
    """How many views there are from the first that equals ``best`` on; 0 where none does (NaN).

    Counted from the end, so that a running maximum finds the first; small integers keep the
    passes short.
    """
    count = len(views)
    kind = xp.uint8 if count < 256 else xp.int32
    found = xp.zeros(best.shape, kind)
    for i, values in enumerate(views):
        match = xp.equal(values, best).view(xp.uint8) * kind(count - i)
        xp.maximum(found, match, out=found)
    return found


def _choose_nan(
    xp: Any,
    spread: Any,
    indices: Any,
    base: Any,
    kernel: Sizes,
    stride: Sizes,
    dilation: Sizes,
    sizes: Sizes,
    out: Sizes,
) -> None:
    """Points windows that hold a NaN at their last NaN, as PyTorch does."""
    for position, slices in kernel_slices(kernel, stride, dilation, out):
        index = base + _flat_offset(position, dilation, sizes)
        xp.copyto(indices, index, where=xp.isnan(spread[(..., *slices)]))


@shared_kernel
def take_flat(xp: Any, input: Any, indices: Any, dims: int) -> Any:
    lead = input.shape[:-dims]
    flat = input.reshape(*lead, prod(input.shape[-dims:]))
    places = indices.reshape(*lead, prod(indices.shape[-dims:]))
    picked = xp.take_along_axis(flat, places, -1)
    return picked.reshape(indices.shape)


@shared_kernel
def put_flat(xp: Any, input: Any, indices: Any, sizes: Sizes, accumulate: bool) -> Any:
    dims = len(sizes)
    rows = prod(input.shape[:-dims])
    length = prod(sizes)
    total = xp.zeros(rows * length, input.dtype)
    # Flat places: adding at one index array is a fast path, at two it is not.
    places = (
        indices.reshape(rows, prod(indices.shape[-dims:])) + (xp.arange(rows) * length)[:, None]
    ).reshape(-1)
    if accumulate:
        xp.add.at(total, places, input.reshape(-1))
    else:
        total[places] = input.reshape(-1)
    return total.reshape(*input.shape[:-dims], *sizes)


def _counts(
    xp: Any,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    out: Sizes,
    count_include_pad: bool,
    places: tuple[slice, ...],
) -> Any:
    """How many elements each window's sum is divided by."""
    total: Any = 1
    for axis, (n, k, s, p, m) in enumerate(zip(sizes, kernel, stride, padding, out, strict=True)):
        start = xp.arange(m) * s - p
        if axis < len(places):
            start = start[places[axis]]
        end = xp.minimum(start + k, n + p)
        if not count_include_pad:
            start, end = xp.maximum(start, 0), xp.minimum(end, n)
        total = total * (end - start).astype(xp.int32).reshape(-1, *[1] * (len(out) - axis - 1))
    return total


@shared_kernel
def avg_pool(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    ones = (1,) * len(kernel)
    sizes = input.shape[-len(kernel) :]
    found = geometry(sizes, kernel, stride, padding, ones, ceil_mode)
    given = kernel, stride, padding, found[0], count_include_pad, divisor_override
    return means(xp, input, kernel, stride, padding, found, divisor(xp, sizes, *given, ceil_mode))


def means(
    xp: Any,
    input: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    windows: Geometry,
    divisor: Any,
) -> Any:
    ones = (1,) * len(kernel)
    out, needed, inside = windows
    spread = input if inside else _fit(xp, input, padding, needed, 0)
    total: Any = None
    for _, slices in kernel_slices(kernel, stride, ones, out):
        part = spread[(..., *slices)]
        if total is None:
            total = part.copy()
        else:
            total += part
    return divide(xp, total, divisor)


def divisor(
    xp: Any,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    out: Sizes,
    count_include_pad: bool,
    divisor_override: int | None,
    ceil_mode: bool = True,
    places: tuple[slice, ...] = (),
) -> Any:
    """What the sums of windows at ``places`` are divided by, an int where all are alike."""
    if divisor_override is not None:
        return divisor_override
    if not ceil_mode and (count_include_pad or not any(padding)):
        # Every window lies inside, or in the padding, which counts.
        return prod(kernel)
    return _counts(xp, sizes, kernel, stride, padding, out, count_include_pad, places)


def divide(xp: Any, total: Any, divisor: Any) -> Any:
    if total.dtype.kind in "fc":
        if not isinstance(divisor, int):
            divisor = divisor.astype(total.dtype)
        total /= divisor
        return total
    quotient = xp.trunc(total / divisor)
    return quotient.astype(total.dtype)


@shared_kernel
def avg_pool_backward(
    xp: Any,
    grad: Any,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    out = grad.shape[-len(kernel) :]
    given = kernel, stride, padding, out, count_include_pad, divisor_override
    share = divide(xp, grad.copy(), divisor(xp, sizes, *given))
    total = spread_shares(xp, share, sizes, kernel, stride, padding)
    kept = [slice(p, p + n) for p, n in zip(padding, sizes, strict=True)]
    return xp.ascontiguousarray(total[(..., *kept)])


def spread_shares(
    xp: Any, share: Any, sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes
) -> Any:
    """What the elements of an input with the padding before it get from the windows they are in.

    Behind them is as much as the windows reach over.
    """
    ones, out = (1,) * len(kernel), share.shape[-len(kernel) :]
    needed = _needed(kernel, stride, ones, out)
    shape = [max(n + p, m) for n, p, m in zip(sizes, padding, needed, strict=True)]
    total = xp.zeros((*share.shape[: -len(kernel)], *shape), share.dtype)
    for _, slices in kernel_slices(kernel, stride, ones, out):
        total[(..., *slices)] += share
    return total


def _bounds(size: int, count: int, start: int = 0, stop: int | None = None) -> tuple[Any, Any]:
    """Where the parts of a dimension that outputs of an adaptive pool look at start and end."""
    stop = count if stop is None else min(stop, count)
    return (_known_bounds if stop - start <= _MOST_KEPT else _make_bounds)(size, count, start, stop)


def _make_bounds(size: int, count: int, start: int, stop: int) -> tuple[Any, Any]:
    places = np.arange(start, stop + 1) * size
    return places[:-1] // count, -(places[1:] // -count)


_known_bounds = lru_cache(64)(_make_bounds)

# Outputs of which bounds are kept for the next call.
_MOST_KEPT = 512


def _regions(size: int, count: int) -> list[slice]:
    starts, ends = _bounds(size, count)
    return [slice(*each) for each in zip(starts.tolist(), ends.tolist(), strict=True)]


def _sums(xp: Any, input: Any, axis: int, starts: Any, ends: Any, dtype: Any) -> Any:
    """A new array of the sums over the parts of a dimension between some bounds."""
    before = (slice(None),) * axis
    widths = ends - starts
    count, longest = len(starts), int(widths.max(initial=0))
    shape = *input.shape[:axis], count, *input.shape[axis + 1 :]
    if not longest:
        return xp.zeros(shape, dtype)
    first, end = int(starts[0]), int(ends[-1])
    even = end - first == longest * count
    if even and longest > MOST_COPIES:
        parts = input[(*before, slice(first, end))]
        parts = parts.reshape(*shape[: axis + 1], longest, *shape[axis + 1 :])
        return parts.sum(axis + 1, dtype=dtype, out=xp.empty(shape, dtype))
    if even or longest <= min(MOST_COPIES, count):
        # Over the first elements of all parts, then over the second ones.
        total: Any = None
        for step in range(longest):
            reached = widths > step
            if even:
                part = input[(*before, slice(first + step, end, longest))]
            else:
                part = input.take(xp.asarray(starts[reached] + step), axis)
            if total is None:
                total = part.astype(dtype, "C", copy=even)
            elif reached.all():
                total += part
            else:
                total[(*before, xp.asarray(reached.nonzero()[0]))] += part
        return total
    total = xp.empty(shape, dtype)
    for i, (start, stop) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        input[(*before, slice(start, stop))].sum(axis, dtype=dtype, out=total[(*before, i)])
    return total


def _widths(xp: Any, starts: Any, ends: Any, dtype: Any, behind: int) -> Any:
    """How many elements each part has, for arrays with ``behind`` dimensions after it."""
    widths = np.maximum(ends - starts, 1)
    if len(widths) and (widths == widths[0]).all():
        return dtype.type(widths[0])
    return xp.asarray(widths, dtype).reshape(-1, *[1] * behind)


@lru_cache(256)
def order_of_dims(given: Sizes, sizes: Sizes) -> list[int]:
    """First what makes least of the array; of dimensions that grow, the last, within rows."""
    grown = [m / (n or 1) for n, m in zip(given, sizes, strict=True)]
    return sorted(range(len(sizes)), key=lambda i: (grown[i], -i if grown[i] > 1 else i))


def _by_region(
    xp: Any, input: Any, sizes: Sizes, behind: int, rows: slice, is_gradient: bool
) -> Any:
    """Means over regions, or, of their gradient, each element's sum over the regions it is in.

    Element j of n is in the regions from ``floor(j m / n)`` to ``ceil((j + 1) m / n)`` of m: these
    are to an element what its elements are to a region.
    """
    kind, first = compute_type(input.dtype), input.ndim - len(sizes) - behind
    given = input.shape[first : first + len(sizes)]
    start, stop, _ = rows.indices(sizes[0])
    low, high = 0, given[0]
    bounds = [_bounds(*each) for each in zip(given[1:], sizes[1:], strict=True)]
    starts, ends = _bounds(given[0], sizes[0], start, stop)
    if stop - start < sizes[0]:
        low, high = int(starts[0]), int(ends[-1])
        input = input[(*[slice(None)] * first, slice(low, high))]
    bounds.insert(0, (starts - low, ends - low))
    regions = bounds
    if is_gradient:
        regions = [_bounds(*each) for each in zip(sizes[1:], given[1:], strict=True)]
        regions.insert(0, _bounds(sizes[0], given[0], low, high))
    widths = [
        _widths(xp, *each, kind, len(sizes) - 1 - i + behind) for i, each in enumerate(regions)
    ]
    if is_gradient:
        input = input / widths[0]
        for each in widths[1:]:
            input /= each
    for i in order_of_dims(tuple(given), tuple(sizes)):
        input = _sums(xp, input, first + i, *bounds[i], kind)
        if not is_gradient:
            input /= widths[i]
    return input


@shared_kernel
def adaptive_avg_pool(
    xp: Any, input: Any, output_size: Sizes, behind: int = 0, rows: slice = slice(None)
) -> Any:
    """Of the dimensions before the last ``behind`` ones; half precision gives float32.

    ``rows`` are those of the result's first pooled dimension that are wanted.
    """
    return _by_region(xp, input, output_size, behind, rows, False)


@shared_kernel
def adaptive_avg_pool_backward(
    xp: Any, grad: Any, sizes: Sizes, behind: int = 0, rows: slice = slice(None)
) -> Any:
    """As :func:`adaptive_avg_pool`."""
    return _by_region(xp, grad, sizes, behind, rows, True)


@shared_kernel
def adaptive_max_pool(xp: Any, input: Any, output_size: Sizes) -> tuple[Any, Any]:
    dims = len(output_size)
    lead, sizes = input.shape[:-dims], input.shape[-dims:]
    pooled = (*lead, *output_size)
    # Of volumes they are row-major.
    values, indices = [
        xp.empty(pooled, kind) if dims > 2 else room(xp, pooled, input, input, kind)
        for kind in (input.dtype, xp.int64)
    ]
    regions = [_regions(n, m) for n, m in zip(sizes, output_size, strict=True)]
    # Half precision is not read twice for it.
    has_nan = input.dtype.itemsize == 2 or (input.size > 0 and bool(xp.isnan(input.max())))
    for place in product(*map(range, output_size)):
        window = tuple([r[i] for r, i in zip(regions, place, strict=True)])
        shape = [w.stop - w.start for w in window]
        flat = single(input[(..., *window)].reshape(*lead, prod(shape)))
        chosen = xp.argmax(flat, -1)
        highest = xp.take_along_axis(flat, chosen[..., None], -1)[..., 0]
        values[(..., *place)] = highest
        if has_nan and (is_nan := highest != highest).any():
            # Of several NaN it is the last, where argmax finds the first.
            last = flat.shape[-1] - 1 - xp.argmax(xp.isnan(flat)[..., ::-1], -1)
            chosen = xp.where(is_nan, last, chosen)
        index: Any = 0
        for within, w, n in zip(xp.unravel_index(chosen, shape), window, sizes, strict=True):
            index = index * n + within + w.start
        indices[(..., *place)] = index
    return values, indices
