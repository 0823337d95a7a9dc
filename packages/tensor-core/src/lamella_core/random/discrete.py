"""Bernoulli, geometric, multinomial and Poisson numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .continuous import exponential
from .generator import Generator, default_generator
from .uniform import (
    BLOCK,
    FLOAT32,
    FLOAT64,
    FLOATS,
    MASK_53,
    Shape,
    blocks,
    check_float,
    flat_of,
    not_implemented,
    unit_doubles,
    unit_floats,
)

# From this rate on Poisson numbers come from Hoermann's rejection method.
_REJECTION_RATE = 10.0


def _check_real(op: str, dtype: np.dtype, boolean: bool) -> None:
    kinds = "biu" if boolean else "iu"
    unsigned_wide = dtype.kind == "u" and dtype.itemsize > 1
    if (dtype.kind not in kinds and dtype not in FLOATS) or unsigned_wide:
        expected = "uint8, a signed integer or a floating dtype"
        raise not_implemented(op, dtype, f"bool, {expected}" if boolean else expected)


def bernoulli(
    shape: Shape,
    p: float | np.ndarray = 0.5,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    # Ones with probability ``p``, else zeros: those of ``Tensor.bernoulli_``, ``torch.bernoulli``.
    #
    # A number is ``u < p``. For a Python number p, and for a float64 array, u has 53 bits (two
    # words a number); for the other arrays 24 bits (one word). Dropout's mask is the scalar case
    # with ``p = 1 - drop probability``.
    #
    # An array ``p`` broadcasts to ``shape``; ``dtype`` may be bool, uint8 and signed integers, too.
    # For the rest see :func:`uniform`.
    #
    # Raises:
    #     RuntimeError: if a probability is outside [0, 1] or the shapes do not broadcast.
    #     NotImplementedError: for another dtype, or an array ``p`` that is not floating.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    _check_real("bernoulli_", dtype, boolean=True)
    if out is None:
        out = np.empty(shape, dtype)
    if isinstance(p, np.ndarray):
        return _bernoulli_array(out, p, generator)
    p = float(p)
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    flat = flat_of(out)
    # k / 2**53 < p in integers, exactly.
    threshold = np.uint64(math.ceil(math.ldexp(p, 53)))
    for part in blocks(flat.size):
        draws = generator.double_words(part.stop - part.start)
        draws &= MASK_53
        flat[part] = draws < threshold
    return out


def _bernoulli_array(out: np.ndarray, p: np.ndarray, generator: Generator) -> np.ndarray:
    check_float("bernoulli_ with an array of probabilities", p.dtype)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise RuntimeError(
            "bernoulli_ expects every probability to be in [0, 1], but found values from "
            f"{p.min()} to {p.max()}"
        )
    wide = p.dtype == FLOAT64
    try:
        p = np.broadcast_to(p, out.shape)
    except ValueError:
        raise RuntimeError(
            f"bernoulli_: probabilities of shape {p.shape} do not broadcast to {out.shape}"
        ) from None
    width = out.size // max(len(out), 1) if out.ndim else 1
    if p.flags.c_contiguous or width > BLOCK:
        place, rates, height = flat_of(out), flat_of(p), BLOCK
    else:
        place, rates, height = out, p, BLOCK // max(width, 1)
    for start in range(0, out.size // (width if place is out else 1), height):
        rate = rates[start : start + height]
        count = rate.size
        draws = unit_doubles(generator, count) if wide else unit_floats(generator.words(count))
        chosen = draws.reshape(rate.shape) < rate.astype(draws.dtype, copy=False)
        place[start : start + height] = chosen
    return out


def geometric(
    shape: Shape,
    p: float,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
) -> np.ndarray:
    # Trials up to the first success, ``ceil(log(u) / log(1 - p))``: ``Tensor.geometric_``.
    #
    # ``p``, the probability of success, is in (0, 1); ``dtype`` is uint8, a signed integer or a
    # floating dtype; for the rest see :func:`uniform`. Two words a number.
    #
    # Raises:
    #     RuntimeError: if ``p`` is outside (0, 1).
    #     NotImplementedError: for another dtype.
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    p = float(p)
    if not 0.0 < p < 1.0:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    _check_real("geometric_", dtype, boolean=False)
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    log_failure = math.log(1.0 - p)
    with np.errstate(divide="ignore", over="ignore"):
        for part in blocks(flat.size):
            numbers = np.log(unit_doubles(generator, part.stop - part.start))
            numbers /= log_failure
            np.ceil(numbers, out=numbers)
            flat[part] = numbers if dtype in FLOATS else numbers.astype(np.int64)
    return out


def multinomial(
    probs: np.ndarray,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
    place: np.ndarray | None = None,
) -> np.ndarray:
    # Indices drawn with the given weights, those of ``torch.multinomial``, in ``place`` if given.
    #
    # Without replacement: the indices of the greatest ``probs / e``, e exponential numbers of the
    # same dtype (P. S. Efraimidis and P. G. Spirakis, Inf. Process. Lett. 97, 2006). One sample is
    # drawn so in either case. With replacement: bisection of the cumulative weights by a 53-bit
    # uniform number.
    #
    # The weights are (categories,) or (rows, categories), and need not sum to one. In float16 and
    # bfloat16 equal quotients are frequent; which of their indices comes first is the lower one
    # here, and unspecified in PyTorch.
    #
    # Raises:
    #     RuntimeError: for another dtype or dimension, a weight that is negative, infinite or NaN,
    #         a row without weight, or more samples without replacement than categories.
    generator = default_generator if generator is None else generator
    if probs.dtype not in FLOATS:
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {probs.dtype}"
        )
    if probs.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape {probs.shape}")
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: cannot sample n_sample <= 0 samples, got {num_samples}")
    categories = probs.shape[-1]
    if not replacement and num_samples > categories:
        raise RuntimeError(
            f"multinomial: cannot sample n_sample > prob_dist.size(-1) samples without "
            f"replacement, got {num_samples} > {categories}"
        )
    most = probs.max(-1) if categories else np.zeros(probs.shape[:-1])
    if probs.size and not (probs.min() >= 0 and most.max() < math.inf):
        raise RuntimeError(
            "multinomial: probability tensor contains either `inf`, `nan` or element < 0"
        )
    if most.size and not most.min() > 0:
        raise RuntimeError(
            "multinomial: invalid multinomial distribution (sum of probabilities <= 0)"
        )
    rows = probs[None] if probs.ndim == 1 else probs
    result = np.empty((*probs.shape[:-1], num_samples), np.int64) if place is None else place
    out = result.reshape(len(rows), num_samples)
    height = max(BLOCK // max(categories, 1), 1)
    bisects = replacement and num_samples > 1
    draws: Any = None
    if rows.flags.fnc and not bisects:
        # PyTorch's numbers lie in memory as the weights do, and are drawn in this order.
        draws = exponential(rows.shape[::-1], 1.0, rows.dtype, generator).T
    for top in range(0, rows.shape[0], height):
        part = slice(top, top + height)
        if bisects:
            _bisected(rows[part], out[part], generator)
        else:
            own = None if draws is None else draws[part]
            _greatest_quotients(rows[part], out[part], generator, own)
    return result


def _bisected(rows: np.ndarray, out: np.ndarray, generator: Generator) -> None:
    wide = FLOAT64 if rows.dtype == FLOAT64 else FLOAT32
    cumulative: np.ndarray = np.cumsum(rows, axis=1, dtype=wide)
    cumulative /= cumulative[:, -1:].copy()
    parts = list(blocks(out.shape[1]))
    for row, weights in zip(out, cumulative, strict=True):
        for part in parts:
            draws = unit_doubles(generator, part.stop - part.start)
            if weights.size > BLOCK and wide is FLOAT32:
                # Weights that are not below a number are not below the next float32 either, and
                # need not be widened.
                near = draws.astype(FLOAT32)
                np.copyto(near, np.nextafter(near, np.float32(2)), where=near < draws)
                draws = near
            row[part] = np.searchsorted(weights, draws)


def _greatest_quotients(
    rows: np.ndarray, out: np.ndarray, generator: Generator, draws: Any
) -> None:
    # The places of the greatest quotients, which are found block by block of a long row.
    count = out.shape[1]
    places: Any = None
    kept: Any = None
    step = max(BLOCK, count)
    for start in range(0, rows.shape[1], step):
        part = rows[:, start : start + step]
        if draws is None:
            quotients = exponential(part.shape, 1.0, part.dtype, generator)
        else:
            quotients = draws[:, start : start + step]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            np.divide(part, quotients, out=quotients)
        if start:
            quotients = np.concatenate((kept, quotients), 1)
        if count == 1:
            order = quotients.argmax(1, keepdims=True)
        else:
            order = np.argsort(-quotients, axis=1, kind="stable")[:, :count]
        if step >= rows.shape[1]:
            places = order
            break
        kept = np.take_along_axis(quotients, order, 1)
        own = np.broadcast_to(np.arange(start, start + part.shape[1]), part.shape)
        if start:
            own = np.concatenate((places, own), 1)
        places = np.take_along_axis(own, order, 1)
    out[...] = places


class UnitStream:
    # Uniform numbers one by one, drawn in blocks; ``close`` gives the unused ones back.
    __slots__ = ("_before", "_generator", "_numbers", "_used")

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._before: np.ndarray | None = None
        self._numbers: Iterator[float] = iter(())
        self._used = 0

    def draw(self) -> float:
        for number in self._numbers:
            self._used += 1
            return number
        self._before = self._generator.get_state()
        self._numbers = iter(unit_doubles(self._generator, BLOCK // 16).tolist())
        self._used = 0
        return self.draw()

    def close(self) -> None:
        if self._before is not None:
            self._generator.set_state(self._before)
            self._generator.double_words(self._used)


def _poisson_small(rate: float, stream: UnitStream) -> int:
    # Uniform numbers multiplied until below exp(-rate) (D. E. Knuth, TAOCP 2, 3.4.1).
    limit = math.exp(-rate)
    product = stream.draw()
    count = 0
    while product > limit:
        product *= stream.draw()
        count += 1
    return count


def _poisson_large(rate: float, stream: UnitStream) -> int:
    # Transformed rejection PTRS (W. Hoermann, Insur. Math. Econ. 12, 1993).
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accepted_at_once = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = stream.draw() - 0.5
        v = stream.draw()
        distance = 0.5 - abs(u)
        # The end of the interval would divide by zero; it belongs to an infinite, rejected k.
        if distance == 0.0:
            continue
        k = math.floor((2.0 * a / distance + b) * u + rate + 0.43)
        if distance >= 0.07 and v <= accepted_at_once:
            return k
        if k < 0 or (distance < 0.013 and v > distance):
            continue
        if v == 0.0:
            return k
        ratio = math.log(v) + math.log(inverse_alpha) - math.log(a / (distance * distance) + b)
        if ratio <= k * log_rate - rate - math.lgamma(k + 1.0):
            return k


def poisson(rate: np.ndarray, generator: Generator | None = None) -> np.ndarray:
    # Poisson numbers with the given rates, those of ``torch.poisson``, in their shape and dtype.
    #
    # Each number depends on how many words the one before took, so they are made in turn.
    #
    # Raises:
    #     RuntimeError: if a rate is negative, infinite or NaN.
    #     NotImplementedError: for another dtype.
    generator = default_generator if generator is None else generator
    check_float("poisson", rate.dtype)
    low, high = (float(rate.min()), float(rate.max())) if rate.size else (0.0, 0.0)
    if not (low >= 0.0 and high < math.inf):
        raise RuntimeError(
            "invalid Poisson rate, expected rate to be non-negative and finite, but found values "
            f"from {low} to {high}"
        )
    out = np.empty(rate.shape, rate.dtype)
    flat, rates = out.reshape(-1), flat_of(rate)
    stream = UnitStream(generator)
    for part in blocks(rate.size):
        numbers = [
            0
            if value == 0.0
            else _poisson_small(value, stream)
            if value < _REJECTION_RATE
            else _poisson_large(value, stream)
            for value in rates[part].astype(FLOAT64).tolist()
        ]
        flat[part] = np.array(numbers, FLOAT64)
    stream.close()
    return out
