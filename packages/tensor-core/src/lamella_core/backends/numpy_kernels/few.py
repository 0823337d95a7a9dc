"""What the calls on few elements gain on the CPU: numbers and masks that are made once."""

from __future__ import annotations

from functools import cache, lru_cache, partial
from math import copysign
from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels import arranging, extrema
from lamella_core.kernels.gathering import FEW


@cache
def numbers(dtype: Any, *values: float) -> list[Any]:
    """Constants of a kernel as arrays without dimensions, which NumPy takes faster."""
    return [np.array(value, dtype) for value in values]


@cache
def ones_of(dtype: Any) -> Any:
    """As many ones as few elements are: BLAS adds by products with them."""
    return np.ones((FEW, 1), dtype)


@lru_cache(256)
def _known(dtype: Any, number: Any, sign: float) -> Any:
    return np.array(number, dtype)


def _number(like: Any, value: Any) -> Any:
    """A number of the caller's as :func:`numbers` has it, where its type holds it."""
    if value.__class__ is float:
        return _known(like.dtype, value, copysign(1.0, value)) if like.dtype.kind == "f" else value
    return _known(like.dtype, value, 1.0) if value.__class__ is int and abs(value) < 128 else value


def relu(input: Any, out: Any = None) -> Any:
    return np.maximum(input, numbers(input.dtype, 0)[0], out=out)


def clamp(input: Any, min: Any, max: Any, out: Any = None) -> Any:
    return extrema.clamp(np, input, _number(input, min), _number(input, max), out)


@lru_cache(64)
def _outside(rows: int, columns: int, diagonal: int, lower: bool) -> Any:
    mask = np.tri(rows, columns, diagonal if lower else diagonal - 1, bool)
    return ~mask if lower else mask


def _triangle(lower: bool, input: Any, diagonal: int) -> Any:
    rows, columns = input.shape[-2:]
    if rows * columns > FEW:
        return (arranging.tril if lower else arranging.triu)(np, input, diagonal)
    result = input.copy()
    np.copyto(result, numbers(input.dtype, 0)[0], where=_outside(rows, columns, diagonal, lower))
    return result


register_kernel("relu", relu, "cpu")
register_kernel("clamp", clamp, "cpu")
register_kernel("tril", partial(_triangle, True), "cpu")
register_kernel("triu", partial(_triangle, False), "cpu")
