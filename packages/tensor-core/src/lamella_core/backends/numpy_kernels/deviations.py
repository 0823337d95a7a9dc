"""Reductions on the CPU whose terms would fill an array of the input's size: part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels import reduction, statistics
from lamella_core.kernels.reduction import sum
from lamella_core.kernels.statistics import squared_deviations
from lamella_core.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

# Elements of a part, and the size from which an input is worth cutting up.
_PART = 65536
_LARGE = 4 * _PART


def by_parts(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over parts of the longest dimension that stays.

    ``keepdims`` is the kernel's last argument.
    """

    def call(input: np.ndarray, axis: Any, *more: Any) -> Any:
        if input.size < _LARGE or axis is None:
            return kernel(np, input, axis, *more)
        reduced = (axis,) if axis.__class__ is int else axis
        stays = [dim for dim in range(input.ndim) if dim not in reduced]
        dim = max(stays, key=input.shape.__getitem__, default=None)
        if dim is None:
            return kernel(np, input, axis, *more)
        length = input.shape[dim]
        step = max(_PART * length // input.size, 1)
        before = (slice(None),) * dim
        parts = [
            kernel(np, input[(*before, slice(start, start + step))], axis, *more[:-1], True)
            for start in range(0, length, step)
        ]
        result = np.concatenate(parts, dim)
        return result if more[-1] else result.squeeze(axis)

    return call


_var_by_parts = by_parts(quiet(statistics.var))


def var(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
    if axis is not None or keepdims or input.size < _LARGE or not input.flags.forc:
        return _var_by_parts(input, axis, correction, keepdims)
    flat = input.ravel("K")
    count = flat.size
    centre = sum(np, flat, None, False) / count
    squares = [
        squared_deviations(np, flat[start : start + _PART], centre).sum()
        for start in range(0, count, _PART)
    ]
    degrees = count - correction
    total = np.array(squares).sum()
    return total / (degrees if degrees > 0 else total.dtype.type(0))


def std(input: np.ndarray, axis: Any, correction: float, keepdims: bool) -> Any:
    return np.sqrt(var(input, axis, correction, keepdims))


register_kernel("var", var, "cpu")
register_kernel("std", std, "cpu")
register_kernel("logsumexp", by_parts(quiet(reduction.logsumexp)), "cpu")
