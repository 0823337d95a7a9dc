"""Array kernels of resampling: along one dimension after the other, a pass for each neighbour."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_core.formats import suggests_channels_last
from lamella_nn.kernels.precision import compute_type, put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_nn.kernels.neighbours import Axis

# Elements that are made at a time on the CPU, and the size of a result from which that is done.
_BLOCK = 65536
_LARGE = 524288
# Outputs of a dimension whose neighbours are listed at a time.
_MOST_OF_TABLE = 4096

# Of 8-bit images: the bits of a weight and its sign, and the most that are behind the point.
_WEIGHT_BITS = 15
_MOST_PRECISION = 22

# For each neighbour, which element it is, and its share (None: all of it).
Neighbours = list[tuple[Any, Any]]


@shared_kernel
def resample(xp: Any, input: Any, axes: Sequence[Axis]) -> Any:
    # Nearest elements are not computed with, but counted how often they were used.
    plain = all([axis.mode.startswith("nearest") and not axis.turned for axis in axes])
    wide = input.dtype if plain or input.dtype.kind in "iu" else compute_type(input.dtype)
    first = input.ndim - len(axes)

    def make(part: Any, every: list[Neighbours], dim: int, out: Any) -> Any:
        if part.dtype != wide:
            return _apply(xp, converted(part, wide), every, dim)
        return _apply(xp, part, every, dim, out)

    return _along_memory(xp, input, axes, first, wide, make)


@shared_kernel
def resample_bytes(xp: Any, input: Any, axes: Sequence[Axis]) -> Any:
    """The last two dimensions; along the last one first, after which it is rounded to bytes.

    Each pass has 16-bit weights, as the imaging libraries have it.
    """
    fixed = [_fixed_point(*axis.taps(0, axis.after), axis.before) for axis in axes]

    def make(part: Any, every: list[Neighbours], dim: int, out: Any) -> Any:
        for i in (1, 0):
            total: Any = None
            for places, share in every[i]:
                taken = part.take(places, dim + i).astype(xp.int32)
                taken *= share
                if total is None:
                    total = taken
                else:
                    total += taken
            precision = fixed[i][2]
            total += 1 << precision - 1
            total >>= precision
            part = total.clip(0, 255).astype(xp.uint8)
        return part

    known = [each[:2] for each in fixed]
    return _along_memory(xp, input, axes, input.ndim - 2, np.dtype(np.int32), make, known)


def _fixed_point(index: Any, shares: Any, size: int) -> tuple[Any, Any, int]:
    """Neighbours with weights times 2^precision, rounded; they fill 16 bits with their sign."""
    first = index[0]
    merged = np.zeros(shares.shape)
    # Beyond the ends several neighbours are the same element.
    np.add.at(merged, (index - first, np.arange(len(first))), shares)
    greatest, precision = float(merged.max()), 0
    while precision < _MOST_PRECISION:
        if int(0.5 + greatest * 2 ** (precision + 1)) >= 2**_WEIGHT_BITS:
            break
        precision += 1
    merged *= 2**precision
    index = np.minimum(first + np.arange(len(index))[:, None], size - 1)
    return index, np.copysign(np.floor(np.abs(merged) + 0.5), merged), precision


def _along_memory(
    xp: Any,
    input: Any,
    axes: Sequence[Axis],
    first: int,
    kind: Any,
    make: Callable[..., Any],
    known: Sequence[tuple[Any, Any]] | None = None,
) -> Any:
    """Results of a channels-last array are made along its memory, and channels-last, too."""
    if not suggests_channels_last(input):
        return _in_parts(xp, input, axes, first, kind, make, known)
    last = _in_parts(xp, xp.moveaxis(input, 1, -1), axes, 1, kind, make, known)
    return xp.moveaxis(last, -1, 1)


def _in_parts(
    xp: Any,
    input: Any,
    axes: Sequence[Axis],
    first: int,
    kind: Any,
    make: Callable[..., Any],
    known: Sequence[tuple[Any, Any]] | None,
) -> Any:
    """The dimensions from ``first`` on resampled, some arrays and some rows at a time.

    Args:
        kind: the type of shares.
        make: called with a part, the neighbours of its dimensions, the first of these, and a place
            for the result, which it may use.
        known: tables of all dimensions, where there are.
    """
    lead, behind = input.shape[:first], input.shape[first + len(axes) :]
    counts = [axis.after for axis in axes]
    image = prod([max(axis.before, axis.after) for axis in axes]) * prod(behind)
    count = counts[0]

    def table(i: int, start: int, stop: int) -> tuple[Any, Any]:
        if known is None:
            return axes[i].taps(start, stop)
        return known[i][0][:, start:stop], known[i][1][:, start:stop]

    def given(i: int, index: Any, shares: Any) -> Neighbours:
        # Shares are for arrays with as many dimensions after theirs.
        form = (-1, *(1,) * (len(axes) - 1 - i + len(behind)))
        return [
            (xp.asarray(at), None if shares is None else xp.asarray(shares[k], kind).reshape(form))
            for k, at in enumerate(index)
        ]

    others = [given(i, *table(i, 0, n)) for i, n in enumerate(counts) if i]
    if xp is not np or prod(lead) * image < _LARGE:
        made = make(input, [given(0, *table(0, 0, count)), *others], first, None)
        return made.astype(input.dtype, copy=False)
    result = np.empty((*lead, *counts, *behind), input.dtype)
    step = max(1, _BLOCK // image)
    rows = count if step > 1 else max(1, _BLOCK * count // image)
    rows = min(rows, _MOST_OF_TABLE)
    # Image by image where bringing them together would be a copy.
    apart = first > 1 and not input.flags.c_contiguous
    for row in range(0, count, rows):
        part = slice(row, min(row + rows, count))
        at, shares = table(0, part.start, part.stop)
        low, high = int(at.min()), int(at.max()) + 1
        every = [given(0, at - low, shares), *others]
        for whole, source in zip(result, input, strict=True) if apart else [(result, input)]:
            flat = source.reshape(-1, *input.shape[first:])
            made = whole.reshape(-1, *result.shape[first:])
            for start in range(0, len(flat), step):
                some = slice(start, start + step)
                target = made[some, part]
                found = make(flat[some, low:high], every, 1, target)
                if found is not target:
                    put(target, found)
    return result


def _apply(xp: Any, input: Any, every: list[Neighbours], first: int, out: Any = None) -> Any:
    """The steps of a part, the last of which writes into ``out`` where it is given."""
    # First what makes least of the array; of dimensions that grow, the last, within rows.
    grown = [len(each[0][0]) / (input.shape[first + i] or 1) for i, each in enumerate(every)]
    order = sorted(range(len(every)), key=lambda i: (grown[i], -i if grown[i] > 1 else i))
    for i in order:
        dim = first + i
        total: Any = None
        for at, share in every[i]:
            target = out if i == order[-1] and total is None else None
            if target is not None and share is None:
                # All places are inside; NumPy would write into a copy if it had to find out.
                part = input.take(at, dim, target, "clip")
            else:
                part = input.take(at, dim)
            if share is not None:
                target = part if target is None else target
                part = xp.multiply(part, share, target)
            if total is None:
                total = part
            else:
                total += part
        input = total
    return input
