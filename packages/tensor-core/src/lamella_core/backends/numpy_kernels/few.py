"""What the calls on few elements gain on the CPU: numbers and masks that are made once."""

from __future__ import annotations

from functools import cache, lru_cache, partial
from math import copysign
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, by_blocks
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import arranging, extrema
from lamella_core.kernels.activation import sigmoid as whole_sigmoid
from lamella_core.kernels.elementary import tanh_backward as whole_tanh_backward
from lamella_core.kernels.gathering import FEW
from lamella_core.quiet import quiet


@cache
def numbers(dtype: Any, *values: float) -> list[Any]:
    # Constants of a kernel as arrays without dimensions, which NumPy takes faster.
    return [np.array(value, dtype) for value in values]


@lru_cache(256)
def _known(dtype: Any, number: Any, sign: float) -> Any:
    return np.array(number, dtype)


def _number(like: Any, value: Any) -> Any:
    # A number of the caller's as :func:`numbers` has it, where its type holds it.
    if value.__class__ is float:
        return _known(like.dtype, value, copysign(1.0, value)) if like.dtype.kind == "f" else value
    return _known(like.dtype, value, 1.0) if value.__class__ is int and abs(value) < 128 else value


# In elements: from here on clip, which is slow to call, is faster than a maximum with one number.
_CLIPPED = 4096
_CLIPS = {int, float}


def relu(input: Any, out: Any = None) -> Any:
    if input.size >= _CLIPPED and input.dtype.kind == "f":
        return np.clip(input, 0, np.inf, out)
    return _positive(input.dtype)(input, out=out)


@cache
def _positive(dtype: Any) -> Any:
    zero = np.array(0, dtype)
    # NumPy takes the second of two zeros, but of float16 the first; -0.0 stays.
    if dtype.char == "e":
        return lambda input, out: np.maximum(input, zero, out=out)
    return partial(np.maximum, zero)


def clamp(input: Any, min: Any, max: Any, out: Any = None) -> Any:
    low, high = _number(input, min), _number(input, max)
    if input.size >= _CLIPPED and input.dtype.kind == "f" and {type(min), type(max)} <= _CLIPS:
        return np.clip(input, low, high, out)
    return extrema.clamp(np, input, low, high, out)


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


_tanh_backward = by_blocks(partial(quiet(whole_tanh_backward), np), False, 2)
_float32 = np.dtype(np.float32)


def tanh_backward(grad: Any, result: Any) -> Any:
    # The common case makes one array and goes through no more Python than it must.
    if result.dtype is _float32 and 1 < result.size < LARGE:
        lost = np.multiply(result, result)
        try:
            np.multiply(lost, grad, lost)
        except ValueError:
            # One result for many gradients, as in a Jacobian.
            lost = np.multiply(lost, grad)
        return np.subtract(grad, lost, lost)
    return _tanh_backward(grad, result)


_plain_sigmoid = quiet(whole_sigmoid)


def sigmoid(input: Any, out: Any = None) -> Any:
    if not input.ndim or input.dtype.kind != "f":
        return _plain_sigmoid(np, input, out)
    result = np.negative(input, out)
    np.exp(result, result)
    one = numbers(result.dtype, 1)[0]
    np.add(result, one, result)
    return np.divide(one, result, result)


tanh_backward.in_blocks = True  # type: ignore[attr-defined]

register_kernel("tanh_backward", tanh_backward, "cpu")
register_kernel("sigmoid", sigmoid, "cpu")
register_kernel("relu", relu, "cpu")
register_kernel("clamp", clamp, "cpu")
register_kernel("tril", partial(_triangle, True), "cpu")
register_kernel("triu", partial(_triangle, False), "cpu")
