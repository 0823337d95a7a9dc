"""Uniform numbers: the float part of a draw, scaled with one rounding.

A float32 takes the low 24 bits k of a 32-bit word and a float64 the low 53 bits of a 64-bit draw;
x = k / 2**24 or k / 2**53 lies in [0, 1). The result is ``x * (high - low) + low`` as one fused
multiply-add. float16 and bfloat16 are the float32 number rounded. A number that rounding lifted to
``high`` becomes ``low``, so that the interval stays half open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from .generator import FEW, Generator, default_generator

# Blocks of draws small enough to stay in the second-level cache, which costs less than the fresh
# pages of full-size temporaries.
BLOCK = 16384

_MASK_24 = np.array(2**24 - 1, np.uint32)
_UNIT_24 = np.array(2.0**-24, np.float32)
MASK_53 = np.uint64(2**53 - 1)
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
FLOAT16 = np.dtype(np.float16)
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = (FLOAT32, FLOAT64, FLOAT16, BFLOAT16)
COMPLEX_PARTS: dict[np.dtype, np.dtype] = {
    np.dtype(np.complex64): FLOAT32,
    np.dtype(np.complex128): FLOAT64,
}

Shape = int | Sequence[int]


def not_implemented(op: str, dtype: np.dtype, expected: str) -> NotImplementedError:
    # The error for a dtype that ``op`` has no numbers for.
    return NotImplementedError(
        f'"{op}" not implemented for {dtype} on cpu; expected {expected}. '
        "Draw in such a dtype and convert the result."
    )


def check_float(op: str, dtype: np.dtype) -> None:
    if dtype not in FLOATS:
        raise not_implemented(op, dtype, "float16, bfloat16, float32 or float64")


def blocks(count: int) -> Iterator[slice]:
    # Consecutive slices of at most ``BLOCK`` elements that cover ``range(count)``.
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def flat_of(array: np.ndarray) -> Any:
    # What reads and writes slices of the elements in row-major order, without a copy of all.
    return array.reshape(-1) if array.flags.c_contiguous else array.flat


def doubles_of(draws: np.ndarray) -> np.ndarray:
    # float64 numbers in [0, 1), multiples of 2**-53, of 64-bit draws, which are overwritten.
    draws &= MASK_53
    # As signed integers, because their conversion to float is the faster one.
    numbers = draws.view(np.int64).astype(np.float64)
    numbers *= 2.0**-53
    return numbers


def unit_doubles(generator: Generator, count: int) -> np.ndarray:
    # ``count`` float64 numbers in [0, 1).
    return doubles_of(generator.double_words(count))


def low_bits(words: np.ndarray) -> np.ndarray:
    # The low 24 bits of words, as int32.
    bits = words.astype(np.uint32)
    bits &= _MASK_24
    return bits.view(np.int32)


def unit_floats(words: np.ndarray) -> np.ndarray:
    # float32 numbers in [0, 1), multiples of 2**-24, one of each word.
    numbers = low_bits(words).astype(np.float32)
    numbers *= _UNIT_24
    return numbers


def whole_count(size: Any) -> int:
    # How many elements a few sizes make; 0 where they are no plain positive integers.
    count = math.prod(size) if len(size) and min(size) > 0 else 0
    return count if count.__class__ is int else 0


def round_to(dtype: np.dtype, numbers: np.ndarray) -> np.ndarray:
    # float64 ``numbers`` ready to be stored as ``dtype``.
    #
    # The half precisions are rounded from float32, as PyTorch does it, not from float64 at once.
    return numbers.astype(FLOAT32) if dtype.itemsize == 2 else numbers


def _split(x: Any) -> tuple[Any, Any]:
    # x as a sum of two numbers of 26 bits each (T. J. Dekker, Numer. Math. 18, 1971).
    scaled = x * 134217729.0
    high = scaled - (scaled - x)
    return high, x - high


def fused_multiply_add(x: np.ndarray, factor: float, addend: float) -> np.ndarray:
    # ``x * factor + addend`` in float64 with the rounding error of the product carried along.
    #
    # Equal to the hardware's fused multiply-add but for ties of a second rounding, some 2**-50 of
    # all cases. ``x`` is float64 of moderate size.
    if addend == 0.0 or math.isinf(addend) or abs(math.frexp(factor)[0]) == 0.5:
        return x * factor + addend
    if abs(factor) > 2.0**900:
        scale = 2.0**-100
        return fused_multiply_add(x, factor * scale, addend * scale) / scale
    product = x * factor
    x_high, x_low = _split(x)
    factor_high, factor_low = _split(np.float64(factor))
    error = x_low * factor_low - (
        ((product - x_high * factor_high) - x_low * factor_high) - x_high * factor_low
    )
    total = product + addend
    rounded = total - product
    error += (product - (total - rounded)) + (addend - rounded)
    return total + error


def check_bounds(low: float, high: float, dtype: np.dtype) -> None:
    limit = float(ml_dtypes.finfo(dtype).max)
    for name, value in (("from", low), ("to", high)):
        if not -limit <= value <= limit:
            raise RuntimeError(f"uniform_: {name}={value} is out of bounds for {dtype}")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to - from <= {limit}, the largest {dtype}, but found to={high} "
            f"and from={low}"
        )


def uniform(
    shape: Shape,
    low: float = 0.0,
    high: float = 1.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    # Numbers uniform on [low, high), those of ``torch.rand`` and ``Tensor.uniform_``.
    #
    # Args:
    #     shape: the shape of the result.
    #     low, high: the interval's ends, rounded to ``dtype``.
    #     dtype: float16, bfloat16, float32, float64, or a complex dtype, whose real and imaginary
    #         parts are drawn in turn.
    #     generator: where the words come from; the default generator if None.
    #     out: a C-contiguous array of this shape and dtype to fill; a new one if None.
    #
    # Returns:
    #     A C-contiguous array, filled in row-major order; float32 and the smaller dtypes use one
    #     word a number, float64 two.
    #
    # Raises:
    #     NotImplementedError: for another dtype.
    #     RuntimeError: if an end does not fit ``dtype``, ``low > high``, or their difference
    #         overflows.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    if out is None:
        out = np.empty(shape, dtype)
    if dtype in COMPLEX_PARTS:
        parts = out.reshape(-1).view(COMPLEX_PARTS[dtype])
        uniform(parts.shape, low, high, parts.dtype, generator, parts)
        return out
    check_float("uniform_", dtype)
    low, high = float(low), float(high)
    if low != 0.0 or high != 1.0:
        check_bounds(low, high, dtype)
    flat = out.reshape(-1)
    fill = _fill_float64 if dtype == FLOAT64 else _fill_float32
    for part in blocks(flat.size):
        fill(flat[part], low, high, generator)
    return out


def _fill_float64(out: np.ndarray, low: float, high: float, generator: Generator) -> None:
    numbers = unit_doubles(generator, out.size)
    if low == 0.0 and high == 1.0:
        out[:] = numbers
        return
    out[:] = fused_multiply_add(numbers, high - low, low)
    out[out == high] = low


def _fill_float32(out: np.ndarray, low: float, high: float, generator: Generator) -> None:
    draws = low_bits(generator.words(out.size))
    if low == 0.0 and high == 1.0:
        numbers = out if out.dtype == FLOAT32 else np.empty(out.size, FLOAT32)
        numbers[:] = draws
        numbers *= _UNIT_24
        if numbers is out:
            return
    else:
        # In float64 the product of two float32 is exact, so only the sum rounds before the
        # conversion: that is the float32 fused multiply-add.
        start = np.float32(low)
        wide = draws.astype(np.float64)
        wide *= float(np.float32(high) - start) * 2.0**-24
        wide += float(start)
        numbers = wide.astype(FLOAT32)
    out[:] = numbers
    out[out == out.dtype.type(high)] = low


def rand(size: Any, generator: Generator | None, dtype: np.dtype, device: object) -> np.ndarray:
    # :func:`uniform` on [0, 1) as a kernel, which takes a few float32 numbers from those ahead.
    if len(size) != 1:
        count = whole_count(size)
        if count:
            return rand((count,), generator, dtype, device).reshape(size)
        return uniform(size, 0.0, 1.0, dtype, generator)
    count = size[0]
    if dtype is not FLOAT32 or count.__class__ is not int or count <= 0:
        return uniform(size, 0.0, 1.0, dtype, generator)
    ahead = (default_generator if generator is None else generator).ahead
    numbers = ahead.floats
    start = ahead.used
    stop = start + count
    if stop <= ahead.float_count:
        ahead.used = stop
        return numbers[start:stop].copy()
    if count > FEW:
        return uniform(size, 0.0, 1.0, dtype, generator)
    ahead, start = (default_generator if generator is None else generator).claim(count)
    if ahead.floats is None:
        ahead.floats = unit_floats(ahead.words)
        ahead.float_count = ahead.size
    return ahead.floats[start : start + count].copy()
