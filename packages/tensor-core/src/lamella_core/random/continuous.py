"""Exponential and Cauchy numbers: inverse distribution functions of 53-bit uniform numbers.

All dtypes are computed in float64 and rounded. float64 results equal PyTorch's bit for bit up to
``EXACT_LIMIT`` numbers a call and differ by at most a last bit or two beyond (see ``normal``).
"""

from __future__ import annotations

import math

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
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    rate = float(rate)
    if not rate > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate}")
    if dtype not in FLOATS:
        raise RuntimeError(
            "exponential_: the exponential distribution is continuous and needs a floating dtype, "
            f"but got {dtype}"
        )
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    exact = dtype == FLOAT64 and flat.size <= EXACT_LIMIT
    scale = -1.0 / rate
    for part in blocks(flat.size):
        draws = unit_doubles(generator, part.stop - part.start)
        np.negative(draws, out=draws)
        numbers = elementwise(math.log1p, np.log1p, draws, exact)
        numbers *= scale
        flat[part] = round_to(dtype, numbers)
    return out


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
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    median, sigma = float(median), float(sigma)
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    if dtype not in FLOATS:
        raise RuntimeError(
            "cauchy_: the Cauchy distribution is continuous and needs a floating dtype, "
            f"but got {dtype}"
        )
    out = np.empty(shape, dtype)
    flat = out.reshape(-1)
    exact = dtype == FLOAT64 and flat.size <= EXACT_LIMIT
    with np.errstate(over="ignore"):
        for part in blocks(flat.size):
            draws = unit_doubles(generator, part.stop - part.start)
            draws -= 0.5
            draws *= math.pi
            numbers = elementwise(math.tan, np.tan, draws, exact)
            flat[part] = round_to(dtype, fused_multiply_add(numbers, sigma, median))
    return out
