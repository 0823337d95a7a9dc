"""Normal and log-normal numbers.

Sixteen numbers or more in one contiguous block come from Box-Muller on blocks of sixteen uniform
numbers; when the count is no multiple of sixteen, the last sixteen are made anew from sixteen
further draws. Fewer numbers, and those for other memory layouts, come one at a time in double
precision, the second of each Box-Muller pair waiting in the generator for the next such call.

float32 (and float16 and bfloat16, which are float32 numbers rounded) equal PyTorch's bit for bit.
float64 equal it up to ``EXACT_LIMIT`` numbers a call; beyond, NumPy's vectorised logarithm, sine
and cosine may differ in the last bit or two from the C library's, which PyTorch calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np

from lamella_core.parallel import spread
from lamella_core.quiet import quiet

from .box_muller import box_muller_float32, normal_pairs, scale
from .generator import FEW, Generator, default_generator, pair_of, steps
from .uniform import (
    BLOCK,
    COMPLEX_PARTS,
    FLOAT32,
    FLOAT64,
    FLOATS,
    Shape,
    check_float,
    doubles_of,
    fused_multiply_add,
    low_bits,
    not_implemented,
    round_to,
    unit_doubles,
    whole_count,
)

# The longest float64 result for which the C library's functions are called number by number.
EXACT_LIMIT = 4096
# Of so many numbers at most the words are few, with sixteen more for the last ones made anew.
_MOST_FEW = FEW - 16
# Elements of a float32 block: what is between its steps takes some 0.8 MB.
_BLOCK = 24576
_TWO_PI = 2.0 * math.pi


def elementwise(
    function: Callable[[float], float], vectorised: np.ufunc, x: np.ndarray, exact: bool
) -> np.ndarray:
    # ``function`` at each number of the float64 ``x`` if ``exact``, else NumPy's ``vectorised``.
    #
    # NumPy's vectorised functions round otherwise than the C library's, in the last bit.
    if exact:
        return np.array([function(v) for v in x.tolist()], np.float64)
    return vectorised(x)


def randn(size: Any, generator: Generator | None, dtype: np.dtype, device: object) -> np.ndarray:
    # Standard :func:`normal` numbers as a kernel, which takes a few float32 from those ahead.
    if len(size) != 1:
        count = whole_count(size)
        if count:
            return randn((count,), generator, dtype, device).reshape(size)
        return normal(size, 0.0, 1.0, dtype, generator)
    count = size[0]
    if dtype is not FLOAT32 or count.__class__ is not int or count <= 0:
        return normal(size, 0.0, 1.0, dtype, generator)
    if generator is None:
        generator = default_generator
    ahead = generator.ahead
    start = ahead.used
    if count < 16:
        numbers = ahead.singles
        place = ahead.single_place
        stop = place + count
        if start == ahead.single_end and stop <= ahead.single_count:
            ahead.single_place = stop
            ahead.used = ahead.single_end = ahead.single_start + ((stop + 1) >> 1 << 2)
            return numbers[place:stop].copy()
        return _few_singles(generator, count)
    numbers = ahead.blocks
    place = start - ahead.block_start
    stop = place + count
    if stop <= ahead.block_count and place >= 0 and not (place | count) & 15:
        ahead.used = start + count
        return numbers[place:stop].copy()
    if count > _MOST_FEW:
        return normal(size, 0.0, 1.0, dtype, generator)
    return _few_blocks(generator, count)


def _few_blocks(generator: Generator, count: int) -> np.ndarray:
    whole = count & ~15
    ahead, start = generator.claim(count if whole == count else count + 16)
    if whole == count and ahead.blocks is None:
        # Whoever asks for whole blocks first may do so again.
        stop = start + ((ahead.size - start) & ~15)
        blocks = np.empty(stop - start, FLOAT32)
        steps["normal"](ahead.words[start:stop], blocks, 0.0, 1.0)
        ahead.blocks, ahead.block_start, ahead.block_count = blocks, start, blocks.size
        return blocks[:count].copy()
    if getattr(steps["normal"], "takes_few", False):
        numbers = np.empty(count, FLOAT32)
        words, last = ahead.words[start : start + whole], start + count
        steps["normal"](words, numbers[:whole], 0.0, 1.0)
        if whole != count:
            steps["normal"](ahead.words[last : last + 16], numbers[-16:], 0.0, 1.0)
        return numbers
    turns = ahead.turns
    if turns is None:
        bits = low_bits(ahead.words)
        turns = ahead.turns = normal_pairs(bits, np.roll(bits, -8))
    numbers = np.empty(count, FLOAT32)
    places = [(start, numbers[:whole])]
    if whole != count:
        places.append((start + count, numbers[-16:]))
    for first, part in places:
        pairs = turns[:, first : first + part.size].reshape(2, -1, 16)[..., :8]
        part.reshape(-1, 2, 8)[...] = pairs.swapaxes(0, 1)
    return numbers


def _few_singles(generator: Generator, count: int) -> np.ndarray:
    ahead = generator.ahead
    needed = (count + 1) // 2 * 4
    again = ahead.used == ahead.single_end and ahead.used + needed <= ahead.size
    if again and generator.waiting_normal is None:
        # The draw before was of this kind too, so that more of them are made at once.
        ahead, start = generator.claim(needed)
        ahead.single_most = max(4 * ahead.single_most, 32)
        last = start + min(ahead.single_most, (ahead.size - start) & ~3)
        singles = _singles(ahead.words[start:last])
        ahead.singles, ahead.single_start, ahead.single_count = singles, start, singles.size
        ahead.single_place, ahead.single_end = count, start + needed
        return singles[:count].copy()
    numbers = np.array(scalar_normals(generator, count), FLOAT32)
    ahead = generator.ahead
    ahead.single_count, ahead.single_end = 0, ahead.used
    return numbers


def _singles(words: np.ndarray) -> np.ndarray:
    # The float32 numbers of the one-at-a-time path.
    draws = words[0::2] << np.uint64(32)
    draws |= words[1::2]
    numbers = _pairs(doubles_of(draws))
    singles = numbers.astype(FLOAT32)
    # NumPy's functions may differ from the C library's by some last bits of a float64. That changes
    # the float32 where the number is as near to the middle of two of them.
    for nudge in (1.0 + 2.0**-48, 1.0 - 2.0**-48):
        if not np.array_equal((numbers * nudge).astype(FLOAT32), singles):
            exact = words.tolist()
            each = [x for i in range(0, len(exact), 4) for x in pair_of(exact[i : i + 4])]
            return np.array(each, FLOAT32)
    return singles


def _fill_blocks_float32(out: np.ndarray, mean: float, std: float, generator: Generator) -> None:
    count = out.size
    if out.dtype == FLOAT32 and count <= _MOST_FEW:
        out[:] = scale(randn((count,), generator, FLOAT32, None), mean, std)
        return
    whole = count - count % 16

    # Not on several threads: between its many short steps one waits for the interpreter's lock
    # longer than it computes.
    for start in range(0, whole, _BLOCK):
        stop = min(start + _BLOCK, whole)
        steps["normal"](generator.words(stop - start), out[start:stop], mean, std)
    if whole != count:
        # float32 fills the whole array with uniforms before it makes the tail anew; the half
        # precisions never draw the uniforms that the tail would overwrite.
        if out.dtype == FLOAT32:
            generator.words(count - whole)
        steps["normal"](generator.words(16), out[-16:], mean, std)


def _transform(words: np.ndarray, out: np.ndarray, mean: float, std: float) -> None:
    out[:] = box_muller_float32(low_bits(words), mean, std)


def _box_muller_float64(draws: np.ndarray, mean: float, std: float, exact: bool) -> np.ndarray:
    pairs = draws.reshape(-1, 2, 8)
    logarithm = elementwise(math.log, np.log, 1.0 - pairs[:, 0].reshape(-1), exact)
    radius = np.sqrt(-2.0 * logarithm).reshape(-1, 8)
    angle = (_TWO_PI * pairs[:, 1]).reshape(-1)
    pairs[:, 0] = radius * elementwise(math.cos, np.cos, angle, exact).reshape(-1, 8)
    pairs[:, 1] = radius * elementwise(math.sin, np.sin, angle, exact).reshape(-1, 8)
    return fused_multiply_add(pairs.reshape(-1), std, mean)


def _fill_blocks_float64(out: np.ndarray, mean: float, std: float, generator: Generator) -> None:
    count = out.size
    exact = count <= EXACT_LIMIT
    whole = count - count % 16

    starts = iter(range(0, whole, BLOCK))
    lock = Lock()

    def run(_: int) -> None:
        # The words are drawn in the order of the blocks, by one thread after the other.
        with lock:
            start = next(starts)
            stop = min(start + BLOCK, whole)
            draws = unit_doubles(generator, stop - start)
        out[start:stop] = _box_muller_float64(draws, mean, std, exact)

    spread(run, range(0, whole, BLOCK))
    if whole != count:
        generator.double_words(count - whole)
        out[-16:] = _box_muller_float64(unit_doubles(generator, 16), mean, std, exact)


def _pairs(draws: np.ndarray) -> np.ndarray:
    # Normal numbers of pairs of uniform ones, which are overwritten.
    logarithm = np.log1p(-draws[1::2])
    radius = np.sqrt(-2.0 * logarithm)
    angle = _TWO_PI * draws[0::2]
    np.multiply(radius, np.cos(angle), out=draws[0::2])
    np.multiply(radius, np.sin(angle), out=draws[1::2])
    return draws


def scalar_normals(generator: Generator, count: int) -> np.ndarray:
    # float64 numbers of the one-at-a-time path, with the generator's waiting number first.
    numbers = np.empty(count, np.float64)
    start = 0
    if count and generator.waiting_normal is not None:
        numbers[0] = generator.waiting_normal
        generator.waiting_normal = None
        start = 1
    missing = (count - start + 1) // 2 * 2
    if count <= EXACT_LIMIT:
        words = generator.words(2 * missing).tolist()
        made: Any = [x for i in range(0, len(words), 4) for x in pair_of(words[i : i + 4])]
    else:
        made = _pairs(unit_doubles(generator, missing))
    numbers[start:] = made[: count - start]
    if missing > count - start:
        generator.waiting_normal = float(made[-1])
    return numbers


def normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
    contiguous: bool = True,
    out: np.ndarray | None = None,
) -> np.ndarray:
    # Numbers of the normal distribution N(mean, std**2), those of ``torch.randn`` and ``normal_``.
    #
    # The parts of a complex number are each drawn with ``std / sqrt(2)``. Unless ``contiguous`` the
    # numbers are drawn one at a time, as ``normal_`` does when it fills a tensor that is not
    # contiguous (in the order of its memory). For the rest see :func:`uniform`.
    #
    # Raises:
    #     NotImplementedError: for another dtype.
    #     RuntimeError: if ``std`` is negative.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    mean, std = float(mean), float(std)
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if out is None:
        out = np.empty(shape, dtype)
    if dtype in COMPLEX_PARTS:
        parts = out.reshape(-1).view(COMPLEX_PARTS[dtype])
        spread = std / math.sqrt(2.0)
        normal(parts.shape, mean, spread, parts.dtype, generator, contiguous, parts)
        return out
    check_float("normal_", dtype)
    flat = out.reshape(-1)
    if flat.size >= 16 and contiguous:
        fill = _fill_blocks_float64 if dtype == FLOAT64 else _fill_blocks_float32
        fill(flat, mean, std, generator)
    else:
        numbers = fused_multiply_add(scalar_normals(generator, flat.size), std, mean)
        flat[:] = round_to(dtype, numbers)
    return out


def normal_elementwise(
    mean: np.ndarray | float,
    std: np.ndarray | float,
    generator: Generator | None = None,
) -> np.ndarray:
    # Normal numbers with a mean and a standard deviation of their own, those of ``torch.normal``.
    #
    # ``z * std + mean``, z standard normal, of the broadcast shape; the dtype is that of ``mean``
    # if it is an array, else that of ``std``, which is one then.
    #
    # Raises:
    #     NotImplementedError: if the dtype is not floating.
    #     RuntimeError: if an element of ``std`` is negative, or the shapes do not broadcast.
    source: Any = mean if isinstance(mean, np.ndarray) else std
    dtype = source.dtype
    if dtype not in FLOATS and dtype not in COMPLEX_PARTS:
        raise not_implemented("normal", dtype, "a floating or complex dtype")
    std_array = np.asarray(std)
    if std_array.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if std_array.size and not std_array.min() >= 0:
        detail = (
            f"all elements of std >= 0.0, but found {std_array.min()}"
            if isinstance(std, np.ndarray)
            else f"std >= 0.0, but found std {std}"
        )
        raise RuntimeError(f"normal expects {detail}")
    try:
        shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
    except ValueError:
        raise RuntimeError(
            f"normal: mean of shape {tuple(np.shape(mean))} and std of shape "
            f"{tuple(np.shape(std))} do not broadcast together"
        ) from None
    if isinstance(std, np.ndarray):
        numbers = normal(shape, 0.0, 1.0, dtype, generator)
        numbers *= std_array.astype(dtype, copy=False)
    else:
        numbers = normal(shape, 0.0, std, dtype, generator)
    numbers += np.asarray(mean).astype(dtype, copy=False)
    return numbers


def log_normal(
    shape: Shape,
    mean: float = 1.0,
    std: float = 2.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
) -> np.ndarray:
    # ``exp(N(mean, std**2))``, the numbers of ``Tensor.log_normal_``.
    #
    # ``mean`` and ``std > 0`` are those of the underlying normal distribution; for the rest see
    # :func:`uniform`. They are drawn one at a time and share the waiting number of ``normal``.
    #
    # Raises:
    #     NotImplementedError: for another dtype.
    #     RuntimeError: if ``std`` is not positive.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    mean, std = float(mean), float(std)
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    check_float("log_normal_", dtype)
    out = np.empty(shape, dtype)
    exact = out.size <= EXACT_LIMIT
    numbers = fused_multiply_add(scalar_normals(generator, out.size), std, mean)
    with np.errstate(over="ignore"):
        out.reshape(-1)[:] = round_to(dtype, elementwise(_exp, np.exp, numbers, exact))
    return out


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


# Called by way of a table, it is not made quiet with what calls it. The copy has all names above.
steps["normal"] = quiet(_transform)
