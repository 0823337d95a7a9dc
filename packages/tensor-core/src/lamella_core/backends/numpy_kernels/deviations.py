"""Reductions on the CPU whose terms would be as large as the input: part by part."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import (
    LARGE,
    PART,
    by_parts,
    in_order,
    is_reduced,
    pieces,
    reduce_converted,
    remaining,
    rows,
    widened,
)
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import reduction, sorting, statistics
from lamella_core.kernels.reduction import reduced_size, sum
from lamella_core.kernels.statistics import squared_deviations
from lamella_core.parallel import shares, spread
from lamella_core.quiet import quiet


def _deviation(name: str, root: Any) -> None:
    in_parts = by_parts(quiet(getattr(statistics, name)), 0, 2)

    def kernel(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
        stays = None if input.size < LARGE else remaining(input, axis)
        if stays is None:
            return in_parts(input, axis, correction, keepdims)
        parts = pieces(input, PART * 3 // 4, stays)
        reduced = is_reduced(input)
        compute = np.float32 if reduced else input.dtype
        found: list[Any] = [None] * len(parts)

        def run(places: range) -> None:
            for place in places:
                part = rows(parts[place].astype(compute, copy=False), stays)
                centre = sum(np, part, 0, False) / len(part)
                squares = sum(np, squared_deviations(np, part, centre), 0, False)
                found[place] = len(part), centre, squares

        # A call is worth a thread where it converts.
        spread(run, shares(len(parts), 1) if reduced or stays else [range(len(parts))])
        # About the mean of all: that of a part is off by the distance of the two means, squared.
        sizes, centres, squares = map(np.array, zip(*found, strict=True))
        sizes = sizes.reshape(-1, *(1,) * len(stays))
        count = reduced_size(input.shape, axis)
        # Not the method, whose warnings of infinities would not be in this module's name.
        total_of = np.add.reduce
        distances = squared_deviations(np, centres, total_of(centres * sizes) / count)
        degrees = count - correction
        total = (total_of(distances * sizes) + total_of(squares)).astype(squares.dtype)
        result = root(total / (degrees if degrees > 0 else total.dtype.type(0)))
        if keepdims:
            result = np.reshape(result, [n if i in stays else 1 for i, n in enumerate(input.shape)])
        return result.astype(input.dtype) if reduced else result

    kernel.reduced_precision = True  # type: ignore[attr-defined]
    register_kernel(name, kernel, "cpu")


_norm = quiet(reduction.vector_norm)
_norm_of_few = widened(_norm)
_join_sums = partial(sum, np)


def vector_norm(input: np.ndarray, axis: Any, keepdims: bool, ord: float) -> Any:
    reduced = is_reduced(input)
    if input.size < LARGE or (
        axis is None and ord == 2 and input.dtype.kind == "f" and not reduced and input.flags.forc
    ):
        return _norm_of_few(input, axis, keepdims, ord)
    # Of pieces it is the norm of their norms; or the sum, of counts.
    norm = lambda part, *more: _norm(np, part, *more, ord)  # noqa: E731
    joins = norm if ord else _join_sums
    compute = np.float32 if reduced else input.dtype
    kind = input.dtype if reduced else None
    result = reduce_converted(norm, input, compute, axis, keepdims, joins, kind)
    return result.astype(input.dtype, copy=False) if reduced else result


def nansum(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    result = sum(np, input, axis, keepdims)
    if not np.isnan(result).any():
        return result
    if input.size < LARGE:
        return reduction.nansum(np, input, axis, keepdims)
    few = partial(reduction.nansum, np)
    return reduce_converted(few, input, input.dtype, axis, keepdims, _join_sums, None)


def count_nonzero(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if input.size < LARGE:
        return _count(input, axis, keepdims)
    return reduce_converted(_count, input, input.dtype, axis, keepdims, _join_sums, None)


def _count(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    bits = _bits(input)
    if axis is None and not keepdims:
        return np.int64(np.count_nonzero(bits != 0))
    return reduction.count_nonzero(np, bits, axis, keepdims)


def _bits(input: np.ndarray) -> np.ndarray:
    # Numbers that are zero where the input's are; half precision is slow to compare.
    return input.view(np.uint16) << 1 if is_reduced(input) else input


def _extremum_at(name: str) -> None:
    in_parts = by_parts(quiet(getattr(reduction, name)), 0, 1, True, 2 * PART)

    def kernel(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
        reduced = is_reduced(input)
        along = axis is not None and input.ndim > 1
        if along or input.size < LARGE or (input.flags.c_contiguous and not reduced):
            return in_parts(input, axis, keepdims)
        places, values, start = [], [], 0
        for part in in_order(input, 2 * PART):
            part = part.astype(np.float32 if reduced else input.dtype, copy=False).ravel()
            place = getattr(part, name)()
            places.append(start + place)
            values.append(part[place])
            start += part.size
        result = np.int64(places[getattr(np.array(values), name)()])
        return result.reshape((1,) * input.ndim) if keepdims else result

    kernel.reduced_precision = True  # type: ignore[attr-defined]
    register_kernel(name, kernel, "cpu")


# What is missing in the sum of a part is so in that of all: infinities of both signs.
nansum.joins = _join_sums  # type: ignore[attr-defined]
vector_norm.reduced_precision = count_nonzero.reduced_precision = True  # type: ignore[attr-defined]
_deviation("var", lambda value: value)
_deviation("std", np.sqrt)
_extremum_at("argmax")
_extremum_at("argmin")
for _kernel in (vector_norm, nansum, count_nonzero):
    register_kernel(_kernel.__name__, _kernel, "cpu")
_lines: Any = (
    (reduction, "max_dim", 0, 1, True), (reduction, "min_dim", 0, 1, True),
    (sorting, "topk", 1, -1, False, PART // 2), (statistics, "kthvalue", 1, 2),
    (statistics, "median_dim", 0, 1, False, PART // 2),
    (statistics, "mode", 0, 1, False, PART // 5),
)  # fmt: skip
for _family, _name, *_how in _lines:
    register_kernel(_name, by_parts(quiet(getattr(_family, _name)), *_how), "cpu")
_few_exp = partial(quiet(reduction.logsumexp), np)


def logsumexp(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if input.size < LARGE:
        return _few_exp(input, axis, keepdims)
    return reduce_converted(_few_exp, input, input.dtype, axis, keepdims, _few_exp, None)


register_kernel("logsumexp", logsumexp, "cpu")
