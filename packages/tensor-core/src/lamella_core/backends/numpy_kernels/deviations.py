"""Reductions on the CPU whose terms would be as large as the input: part by part."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, PART, by_parts, reduce_converted
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import reduction, sorting, statistics
from lamella_core.kernels.reduction import sum
from lamella_core.kernels.statistics import squared_deviations
from lamella_core.quiet import quiet

_var_by_parts = by_parts(quiet(statistics.var), 0, 2)


def var(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
    if axis is not None or keepdims or input.size < LARGE or not input.flags.forc:
        return _var_by_parts(input, axis, correction, keepdims)
    flat = input.ravel("K")
    count = flat.size
    centre = sum(np, flat, None, False) / count
    squares = [
        squared_deviations(np, flat[start : start + PART], centre).sum()
        for start in range(0, count, PART)
    ]
    degrees = count - correction
    total = np.array(squares).sum()
    return total / (degrees if degrees > 0 else total.dtype.type(0))


def std(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
    return np.sqrt(var(input, axis, correction, keepdims))


_norm = partial(quiet(reduction.vector_norm), np)


def vector_norm(input: np.ndarray, axis: Any, keepdims: bool, ord: float) -> Any:
    if input.size < LARGE or (axis is None and ord in (0, 2)):
        return _norm(input, axis, keepdims, ord)
    # Of all elements it is the norm of the norms of parts.
    norm = lambda part, *more: _norm(part, *more, ord)  # noqa: E731
    return reduce_converted(norm, input, input.dtype, axis, keepdims, True)


register_kernel("var", var, "cpu")
register_kernel("std", std, "cpu")
register_kernel("vector_norm", vector_norm, "cpu")
_lines: Any = (
    (reduction, "logsumexp", 0, 1), (reduction, "argmax", 0, 1, True),
    (reduction, "argmin", 0, 1, True), (reduction, "max_dim", 0, 1, True),
    (reduction, "min_dim", 0, 1, True), (sorting, "topk", 1, -1), (statistics, "kthvalue", 1, 2),
    (statistics, "median_dim", 0, 1), (statistics, "mode", 0, 1, False, PART // 4),
)  # fmt: skip
for _family, _name, *_how in _lines:
    register_kernel(_name, by_parts(quiet(getattr(_family, _name)), *_how), "cpu")
