"""Random integers and permutations: remainders of the words.

A range shorter than 2**28 takes the remainder of a 32-bit word, a longer one that of a 64-bit
draw.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from lamella_core.warning import warn

from .generator import FEW, Generator, default_generator, steps
from .uniform import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FLOATS,
    Shape,
    blocks,
    not_implemented,
    whole_count,
)

_WIDE_RANGE = 2**28
# Up to this length swapping in turn is quicker.
_SHORT_PERMUTATION = 256
# Swaps that are made at once: half a megabyte.
_MOST_SWAPS = 8192
# From this length on PyTorch shuffles by another algorithm, on 64-bit draws.
_LONG_PERMUTATION = (2**32 - 1) // 20

# The bits of the significand: every integer up to 2**bits has an exact form.
_SIGNIFICAND_BITS = {FLOAT16: 11, BFLOAT16: 8, FLOAT32: 24, FLOAT64: 53}
_BOOL = np.dtype(np.bool_)
_INT64 = np.dtype(np.int64)
# The integer dtypes that PyTorch fills when no range is given.
_FULL_RANGE_INTEGERS = tuple(np.dtype(t) for t in (np.uint8, np.int8, np.int16, np.int32, np.int64))


@cache
def _largest(dtype: np.dtype) -> int:
    # The greatest integer of a draw without an upper end.
    if dtype == _BOOL:
        return 1
    if dtype in _SIGNIFICAND_BITS:
        return 2 ** _SIGNIFICAND_BITS[dtype]
    return int(np.iinfo(dtype).max)


@cache
def _bounds(dtype: np.dtype) -> tuple[int, int]:
    if dtype == _BOOL:
        return 0, 1
    if dtype in _SIGNIFICAND_BITS:
        limit = int(float(ml_dtypes.finfo(dtype).max))
        return -limit, limit
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _check_range(low: int, high: int, dtype: np.dtype) -> None:
    smallest, largest = _bounds(dtype)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not smallest <= value <= largest:
            raise RuntimeError(
                f"random_: {name} = {value} is out of bounds for {dtype}, whose range is "
                f"[{smallest}, {largest}]"
            )
    bits = _SIGNIFICAND_BITS.get(dtype)
    if bits is not None:
        for name, value in (("from", low), ("to - 1", high - 1)):
            if not -(2**bits) <= value <= 2**bits:
                warn(
                    f"random_: {name} = {value} is outside [-(2**{bits}), 2**{bits}], where "
                    f"{dtype} holds every integer; some integers of the range cannot be drawn."
                )


def _representable_range(low: int, high: int, dtype: np.dtype) -> tuple[int, int]:
    # Ends moved inwards where rounding to a floating ``dtype`` would leave [low, high).
    scalar = dtype.type
    if int(scalar(low + 1)) < low:
        low = int(np.nextafter(scalar(low + 1), scalar(np.inf)))
    if int(scalar(high - 1)) >= high:
        high = int(np.nextafter(scalar(high - 1), scalar(-np.inf)))
    return low, high


def _remainders(draws: np.ndarray, divisor: int) -> np.ndarray:
    if divisor & (divisor - 1) == 0:
        return draws & draws.dtype.type(divisor - 1)
    # By the quotient, since NumPy vectorises division by a constant but not the remainder.
    divisor = draws.dtype.type(divisor)
    return draws - draws // divisor * divisor


def integers(
    low: int | None,
    high: int | None,
    shape: Shape,
    dtype: np.typing.DTypeLike = np.int64,
    generator: Generator | None = None,
) -> np.ndarray:
    # Integers uniform on [low, high), those of ``torch.randint`` and ``Tensor.random_``.
    #
    # Args:
    #     low: the least integer. None together with ``high`` None stands for ``random_()``: from 0
    #         to the greatest integer of the dtype (for floats 2**11, 2**8, 2**24, 2**53: the last
    #         up to which all integers are exact).
    #     high: one more than the greatest integer; None ends at the greatest one of the dtype.
    #     dtype: any boolean, integer or floating dtype; the unsigned ones above 8 bits need a
    #         ``high``.
    #
    # For the rest see :func:`uniform`. One word a number for ranges below 2**28, two above.
    #
    # Raises:
    #     RuntimeError: if ``low >= high`` or an end does not fit ``dtype``.
    #     NotImplementedError: for a dtype without such numbers.
    #     UserWarning: a warning where a floating dtype cannot hold every integer of the range.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    if dtype.kind not in "biu" and dtype not in _SIGNIFICAND_BITS:
        error = not_implemented("random_", dtype, "a boolean, integer or floating dtype")
        raise error if low is high is None else RuntimeError(str(error))
    if high is None:
        if dtype.kind in "biu" and dtype != _BOOL and dtype not in _FULL_RANGE_INTEGERS:
            raise not_implemented("random_ without an upper end", dtype, "a signed dtype or uint8")
        return _integers_to_largest(low, shape, dtype, generator)
    low = 0 if low is None else int(low)
    high = int(high)
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    _check_range(low, high, dtype)
    if dtype in _SIGNIFICAND_BITS:
        low, high = _representable_range(low, high, dtype)
    return _draw(shape, dtype, generator, low, high - low, high - low >= _WIDE_RANGE)


def randint(
    low: int,
    high: int,
    size: Any,
    generator: Generator | None,
    dtype: np.dtype,
    device: object,
) -> np.ndarray:
    # :func:`integers` as a kernel, which takes a few int64 from those ahead.
    if len(size) != 1:
        count = whole_count(size)
        if count:
            return randint(low, high, (count,), generator, dtype, device).reshape(size)
        return integers(low, high, size, dtype, generator)
    count = size[0]
    if dtype is not _INT64 or count.__class__ is not int or count <= 0 or count > FEW:
        return integers(low, high, size, dtype, generator)
    if generator is None:
        generator = default_generator
    ahead = generator.ahead
    numbers = ahead.integers
    start = ahead.used
    stop = start + count
    if numbers is not None and stop <= ahead.size and ahead.ends == (low, high):
        ahead.used = stop
        return numbers[start:stop].copy()
    if not (0 < high - low < _WIDE_RANGE and -(2**62) < low < 2**62):
        return integers(low, high, size, dtype, generator)
    ahead, start = generator.claim(count)
    stop = start + count
    if ahead.ends == (low, high):
        numbers = _in_range(ahead.words, low, high).astype(_INT64, copy=False)
        ahead.integers = numbers
        return numbers[start:stop].copy()
    ahead.ends, ahead.integers = (low, high), None
    return _in_range(ahead.words[start:stop], low, high).astype(_INT64, copy=False)


def _in_range(words: np.ndarray, low: int, high: int) -> np.ndarray:
    numbers = _remainders(words.astype(np.uint32), high - low)
    return numbers + np.int64(low) if low else numbers


def _integers_to_largest(
    low: int | None, shape: Shape, dtype: np.dtype, generator: Generator
) -> np.ndarray:
    largest = _largest(dtype)
    if low is None:
        return _draw(shape, dtype, generator, 0, largest + 1, dtype in (np.int64, FLOAT64))
    low = int(low)
    if low == -(2**63) and dtype in _SIGNIFICAND_BITS:
        # From the least 64-bit integer on they are all of them.
        if dtype == FLOAT16:
            raise not_implemented("random_ of all 64 bits", dtype, "a wider one")
        return _draw(shape, dtype, generator, low, 2**64, True)
    _check_range(low, largest + 1, dtype)
    count = largest - low + 1
    return _draw(shape, dtype, generator, low, count, count >= _WIDE_RANGE)


def _draw(
    shape: Shape, dtype: np.dtype, generator: Generator, low: int, count: int, wide: bool
) -> np.ndarray:
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    for part in blocks(flat.size):
        if wide:
            numbers = generator.double_words(part.stop - part.start)
            # All 2**64 integers: the draw itself, read as two's complement.
            if count < 2**64:
                numbers = _remainders(numbers, count)
                # Unsigned sums wrap, as two's complement needs it for a negative low end.
                numbers += np.uint64(low % 2**64)
            flat[part] = numbers.view(np.int64)
            continue
        flat[part] = _in_range(generator.words(part.stop - part.start), low, low + count)
    return out


def permutation(
    n: int,
    dtype: np.typing.DTypeLike = np.int64,
    generator: Generator | None = None,
    place: np.ndarray | None = None,
) -> np.ndarray:
    # A random permutation of 0 .. n - 1, that of ``torch.randperm``, in ``place`` if it is given.
    #
    # The Fisher-Yates shuffle: for i = 0 .. n - 2 swap the elements i and ``i + w % (n - i)``, w a
    # 32-bit word. Many swaps are made at once instead of in turn (see ``_swap``).
    #
    # ``dtype`` is an integer one or a float one that holds n - 1 exactly; n is below 214748364.
    #
    # Raises:
    #     RuntimeError: if ``n`` is negative or too large for ``dtype``.
    #     NotImplementedError: for a boolean or complex dtype, or a greater ``n``.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    if n < 0:
        raise RuntimeError(f"randperm: expected a non-negative n, but got {n}")
    if dtype.kind not in "iu" and dtype not in FLOATS:
        raise not_implemented("randperm", dtype, "an integer or floating dtype")
    limit = _largest(dtype) + 1
    if n > limit:
        raise RuntimeError(f"randperm: n cannot be greater than {limit} for {dtype}, but got {n}")
    if n >= _LONG_PERMUTATION:
        raise NotImplementedError(
            f"randperm on cpu: n must be below {_LONG_PERMUTATION}, but got {n}; "
            "permute blocks and their elements apart."
        )
    if n < 2:
        return np.zeros(n, dtype)
    in_turn = getattr(steps["swap"], "takes_few", False)
    if n <= _SHORT_PERMUTATION and not in_turn:
        return np.array(_swapped(list(range(n)), generator), _INT64).astype(dtype, copy=False)
    if place is None:
        result = np.arange(n, dtype=dtype)
    else:
        place[:] = 1
        place[0] = 0
        result = place.cumsum(out=place)
    start = 0
    while n - start > (1 if in_turn else _SHORT_PERMUTATION):
        count = min(n - start - 1, _MOST_SWAPS)
        if not in_turn:
            # Few steps of a block meet, but for the last blocks.
            count = min(count, max(_SHORT_PERMUTATION, (n - start) // 2))
        steps["swap"](result[start:], generator.words(count))
        start += count
    if not in_turn:
        result[start:] = _swapped(result[start:].tolist(), generator)
    return result


def _swapped(numbers: list[Any], generator: Generator) -> list[Any]:
    n = len(numbers)
    if n > 1:
        for i, word in enumerate(generator.words(n - 1).tolist()):
            j = i + word % (n - i)
            numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers


def _swap(values: np.ndarray, words: np.ndarray) -> None:
    # Swaps the positions i and ``i + words[i] % (n - i)`` of n values, i ascending, all at once.
    #
    # A position receives what the last earlier step with its target put there, if any: what that
    # step's own position held, which is what the last earlier step that aimed at it put there, if
    # any. Pointer jumping follows these links.
    count = words.size
    turns = np.arange(count)
    offsets = words.view(np.int64) % (values.size - turns)
    targets = offsets + turns
    # A step that aims at its own position moves nothing.
    linked = np.flatnonzero((targets < count) & (offsets != 0))
    places = targets.take(linked)
    held = turns.copy()
    # Where several steps share a target the last assignment stays: the last step.
    held[places] = linked
    links = held.take(places)
    while True:
        jumped = held.take(links)
        held[places] = jumped
        if np.array_equal(jumped, links):
            break
        links = jumped
    moved = values[:count].take(held)
    received = values.take(targets)
    values[targets] = turns
    last = values.take(targets)
    beaten = np.flatnonzero(last != turns)
    if beaten.size:
        # All steps that share their target with another, by target and then by step.
        shift = count.bit_length()
        order = np.concatenate((beaten, last.take(beaten).astype(np.int64, copy=False)))
        order |= targets.take(order) << shift
        order.sort()
        shared = order & ((1 << shift) - 1)
        order >>= shift
        meets = (order[1:] == order[:-1]) & (shared[1:] != shared[:-1])
        received[shared[1:][meets]] = moved.take(shared[:-1][meets])
    values[targets] = moved
    values[:count] = received


steps["swap"] = _swap
