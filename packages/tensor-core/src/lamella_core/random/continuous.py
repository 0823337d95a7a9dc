"""Exponential and Cauchy numbers: inverse distribution functions of 53-bit uniform numbers.

All dtypes are computed in float64 and rounded. float64 results equal PyTorch's bit for bit up to
``EXACT_LIMIT`` numbers a call and differ by at most a last bit or two beyond (see ``normal``).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .generator import Generator, default_generator
from .normal import EXACT_LIMIT, elementwise
from .uniform import FLOAT64, FLOATS, Shape, blocks, fused_multiply_add, round_to, unit_doubles


def exponential(
    shape: Shape,
    rate: float = 1.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
) -> np.ndarray:
    # Exponential numbers ``-log(1 - u) / rate``, those of ``Tensor.exponential_``.
    #
    # ``rate``, lambda, is positive; for the rest see :func:`uniform`. Two words a number.
    #
    # Raises:
    #     RuntimeError: if ``rate`` is not positive or ``dtype`` is not a floating dtype.
    rate = float(rate)
    if not rate > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate}")

    def invert(draws: np.ndarray, exact: bool) -> np.ndarray:
        np.negative(draws, out=draws)
        numbers = elementwise(math.log1p, np.log1p, draws, exact)
        numbers *= -1.0 / rate
        return numbers

    return _inverted("exponential_", invert, shape, np.dtype(dtype), generator)


def cauchy(
    shape: Shape,
    median: float = 0.0,
    sigma: float = 1.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
) -> np.ndarray:
    # Cauchy numbers ``median + sigma * tan(pi * (u - 1/2))``, those of ``Tensor.cauchy_``.
    #
    # ``sigma``, half the width at half the height, is positive; for the rest see :func:`uniform`.
    # Two words a number.
    #
    # Raises:
    #     RuntimeError: if ``sigma`` is not positive or ``dtype`` is not a floating dtype.
    median, sigma = float(median), float(sigma)
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")

    def invert(draws: np.ndarray, exact: bool) -> np.ndarray:
        draws -= 0.5
        draws *= math.pi
        return fused_multiply_add(elementwise(math.tan, np.tan, draws, exact), sigma, median)

    return _inverted("cauchy_", invert, shape, np.dtype(dtype), generator)


def _inverted(
    op: str,
    invert: Callable[[np.ndarray, bool], np.ndarray],
    shape: Shape,
    dtype: np.dtype,
    generator: Generator | None,
) -> np.ndarray:
    if dtype not in FLOATS:
        raise RuntimeError(
            f"{op}: the distribution is continuous and needs a floating dtype, but got {dtype}"
        )
    generator = default_generator if generator is None else generator
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    exact = dtype == FLOAT64 and flat.size <= EXACT_LIMIT
    with np.errstate(over="ignore"):
        for part in blocks(flat.size):
            numbers = invert(unit_doubles(generator, part.stop - part.start), exact)
            flat[part] = round_to(dtype, numbers)
    return out
