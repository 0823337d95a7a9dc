"""``torch.binomial``: how many of some trials succeed, PyTorch's numbers on the CPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.composite import composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import not_implemented_for
from lamella_core.dispatch import register_kernel
from lamella_core.dtype import FLOATING, REDUCED_PRECISION
from lamella_core.generator import source_of
from lamella_core.ops.splitting import broadcast_tensors
from lamella_core.random import default_generator
from lamella_core.random.discrete import UnitStream
from lamella_core.random.uniform import blocks, flat_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.generator import Generator
    from lamella_core.tensor import Tensor

# From this mean on numbers are made by rejection.
_REJECTION_MEAN = 10.0
# The exact remainders of Stirling's formula for k = 0 .. 9.
_TAILS = (
    0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509,
    0.01664469118982119, 0.01387612882307075, 0.01189670994589177, 0.01041126526197209,
    0.009255462182712733, 0.008330563433362871,
)  # fmt: skip


def _tail(k: float) -> float:
    # log(k!) - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2).
    if k <= 9.0:
        return _TAILS[int(k)]
    square = (k + 1.0) * (k + 1.0)
    return (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / (k + 1.0)


def _by_waiting(count: float, prob: float, stream: UnitStream) -> float:
    # The waits between successes are geometric numbers, which are added up until they pass the
    # count (L. Devroye, Non-Uniform Random Variate Generation, 1986, X.4.3).
    logarithm = math.log1p(-prob)
    trials = 0.0
    successes = 0.0
    while True:
        u = stream.draw()
        trials += math.ceil(math.log(u) / logarithm) if u else math.inf
        if trials > count:
            return successes
        successes += 1.0


def _by_rejection(
    count: float,
    prob: float,
    mean: float,
    spread: float,
    odds: float,
    mode: float,
    rounded: Callable[[Any], float],
    stream: UnitStream,
) -> float:
    # Transformed rejection with a squeeze, BTRS (W. Hoermann, J. Stat. Comput. Simul. 46, 1993).
    #
    # ``rounded`` brings a number to the tensors' type, in which PyTorch has the one that is tried.
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    alpha = (2.83 + 5.1 / b) * spread
    accepted_at_once = 0.92 - 4.2 / b
    while True:
        u = stream.draw() - 0.5
        v = stream.draw()
        distance = 0.5 - abs(u)
        # The end of the interval would divide by zero; it belongs to an infinite, rejected k.
        if distance == 0.0:
            continue
        k = rounded(math.floor((2.0 * a / distance + b) * u + (mean + 0.5)))
        if distance >= 0.07 and v <= accepted_at_once:
            return k
        if not 0.0 <= k <= count:
            continue
        if v == 0.0:
            return k
        failures = rounded(rounded(count - k) + 1.0)
        bound = (
            (mode + 0.5) * math.log((mode + 1.0) / (odds * (count - mode + 1.0)))
            + (count + 1.0) * math.log((count - mode + 1.0) / failures)
            + (k + 0.5) * math.log(odds * failures / rounded(k + 1.0))
            + _tail(mode)
            + _tail(count - mode)
            - _tail(k)
            - _tail(count - k)
        )
        if math.log(v * alpha / (a / (distance * distance) + b)) <= bound:
            return k


def _single(number: Any) -> float:
    return float(np.float32(number))


def _numbers(counts: np.ndarray, probs: np.ndarray, stream: UnitStream) -> list[float]:
    # What depends on the parameters alone is rounded to their type, as PyTorch does it.
    with np.errstate(all="ignore"):
        rare = np.where(probs > 0.5, 1 - probs, probs)
        means = counts * rare
        spreads = np.sqrt(means * (1 - rare))
        odds = rare / (1 - rare)
        modes = np.floor((counts + 1) * rare)
    rounded = float if counts.dtype == np.float64 else _single
    columns = (each.tolist() for each in (counts, probs, rare, means, spreads, odds, modes))
    numbers = []
    for count, prob, less, mean, spread, ratio, mode in zip(*columns, strict=True):
        if count <= 0.0 or prob <= 0.0:
            number = 0.0
        elif prob >= 1.0:
            number = count
        elif math.isnan(prob):
            number = prob
        elif not count < math.inf:
            raise RuntimeError(f"binomial(): expected a finite count, got {count}")
        else:
            if mean < _REJECTION_MEAN:
                number = _by_waiting(count, less, stream)
            else:
                number = _by_rejection(count, less, mean, spread, ratio, mode, rounded, stream)
            if prob > 0.5:
                number = count - number
        numbers.append(number)
    return numbers


def _kernel(count: np.ndarray, prob: np.ndarray, generator: Any) -> np.ndarray:
    result = np.empty(count.shape, count.dtype)
    flat, counts, probs = result.reshape(-1), flat_of(count), flat_of(prob)
    stream = UnitStream(default_generator if generator is None else generator)
    for part in blocks(flat.size):
        flat[part] = _numbers(counts[part], probs[part], stream)
    stream.close()
    return result


_binomial = arrays(method=False)("binomial(count: Tensor, prob: Tensor, generator)")
register_kernel("binomial", _kernel, "cpu")


@composite(method=False)
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of ``count`` trials succeed, each with the probability ``prob``.

    Args:
        count: float32 or float64: numbers of trials; below 0 none.
        prob: of the type of ``count``, with which it broadcasts; below 0 it counts as 0, above 1
            as 1, and NaN gives NaN.
        generator: the source of random numbers; the default generator if None.

    Returns:
        A tensor of the type of ``count``. There is no derivative.

    Raises:
        ValueError: when one of the two is not floating.
        RuntimeError: when their types differ or their shapes do not broadcast, or a count is
            infinite or NaN.
        NotImplementedError: for half precision.
    """
    for name, each in (("count", count), ("prob", prob)):
        if each._dtype.category != FLOATING:
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: "
                f"{each._dtype.class_name}"
            )
    if prob._dtype is not count._dtype:
        raise RuntimeError(
            f"binomial(): Found dtype {prob._dtype.class_name} but expected "
            f"{count._dtype.class_name}"
        )
    if count._dtype in REDUCED_PRECISION:
        raise not_implemented_for("binomial", count._dtype)
    return _binomial(*broadcast_tensors(count, prob), source_of(generator, count))
