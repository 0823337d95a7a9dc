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
    in_parts,
    is_reduced,
    pieces,
    reduce_converted,
    widened,
)
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import reduction, sorting, statistics
from lamella_core.kernels.reduction import sum
from lamella_core.kernels.statistics import squared_deviations
from lamella_core.parallel import shares, spread
from lamella_core.quiet import quiet


def _deviation(name: str, root: Any) -> None:
    in_parts = by_parts(quiet(getattr(statistics, name)), 0, 2)

    def kernel(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
        if axis.__class__ is tuple and len(axis) == input.ndim:
            axis = None
        if axis is not None or input.size < LARGE:
            return in_parts(input, axis, correction, keepdims)
        parts = pieces(input)
        reduced = is_reduced(input)
        count = input.size
        # Not the method, whose warnings of infinities would not be in this module's name.
        total_of = np.add.reduce
        compute = np.float32 if reduced else input.dtype
        found: list[Any] = [None] * len(parts)

        def run(places: range) -> None:
            for place in places:
                part = parts[place].astype(compute, copy=False).ravel()
                centre = total_of(part) / part.size
                squares = total_of(squared_deviations(np, part, centre))
                found[place] = part.size, centre, squares

        # A call is worth a thread where it converts.
        spread(run, shares(len(parts), 1) if reduced else [range(len(parts))])
        # About the mean of all: that of a part is off by the distance of the two means, squared.
        sizes, centres, squares = map(np.array, zip(*found, strict=True))
        distances = squared_deviations(np, centres, total_of(centres * sizes) / count)
        degrees = count - correction
        total = (total_of(distances * sizes) + total_of(squares)).astype(squares.dtype)
        result = root(total / (degrees if degrees > 0 else total.dtype.type(0)))
        if keepdims:
            result = np.reshape(result, (1,) * input.ndim)
        return result.astype(input.dtype) if reduced else result

    kernel.reduced_precision = True  # type: ignore[attr-defined]
    register_kernel(name, kernel, "cpu")


_norm = quiet(reduction.vector_norm)
_norm_of_few = widened(_norm)


def vector_norm(input: np.ndarray, axis: Any, keepdims: bool, ord: float) -> Any:
    reduced = is_reduced(input)
    if input.size < LARGE or (
        axis is None and ord == 2 and input.dtype.kind == "f" and not reduced and input.flags.forc
    ):
        return _norm_of_few(input, axis, keepdims, ord)
    if axis.__class__ is tuple and len(axis) == input.ndim:
        axis = None
    # Of all elements it is the norm of the norms of parts; or the sum, of counts.
    norm = lambda part, *more: _norm(np, part, *more, ord)  # noqa: E731
    joins = norm if ord else lambda parts, *_: parts.sum()
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
    joins = nansum.joins  # type: ignore[attr-defined]
    return reduce_converted(few, input, input.dtype, axis, keepdims, joins, None)


def count_nonzero(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if axis is None and not keepdims:
        counts = [np.count_nonzero(_bits(part) != 0) for part in pieces(input)]
        return np.array(counts, np.int64).sum()
    return _counts(input, axis, keepdims)


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
nansum.joins = partial(sum, np)  # type: ignore[attr-defined]
_counts = by_parts(
    lambda _, part, *more: reduction.count_nonzero(np, _bits(part), *more), 0, 1, False, 2 * PART
)
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
_lines_exp = in_parts(_few_exp, 0, 1)


def logsumexp(input: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if axis is None and input.size >= LARGE:
        return reduce_converted(_few_exp, input, input.dtype, None, keepdims, _few_exp, None)
    return _lines_exp(input, axis, keepdims)


register_kernel("logsumexp", logsumexp, "cpu")
