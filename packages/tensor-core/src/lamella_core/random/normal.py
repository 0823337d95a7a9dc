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
from typing import Any

import numpy as np

from .box_muller import box_muller_float32
from .generator import Generator, default_generator
from .uniform import (
    BLOCK,
    COMPLEX_PARTS,
    FLOAT32,
    FLOAT64,
    FLOATS,
    Shape,
    check_float,
    fused_multiply_add,
    not_implemented,
    round_to,
    unit_doubles,
)

# The longest float64 result for which the C library's functions are called number by number.
EXACT_LIMIT = 4096
_TWO_PI = 2.0 * math.pi


def elementwise(
    function: Callable[[float], float], vectorised: np.ufunc, x: np.ndarray, exact: bool
) -> np.ndarray:
    """``function`` at each number of the float64 ``x`` if ``exact``, else NumPy's ``vectorised``.

    NumPy's vectorised functions round otherwise than the C library's, in the last bit.
    """
    if exact:
        return np.array([function(v) for v in x.tolist()], np.float64)
    return vectorised(x)


def _fill_blocks_float32(out: np.ndarray, mean: float, std: float, generator: Generator) -> None:
    count = out.size
    whole = count - count % 16
    for start in range(0, whole, BLOCK):
        stop = min(start + BLOCK, whole)
        out[start:stop] = box_muller_float32(generator.words(stop - start), mean, std)
    if whole != count:
        # float32 fills the whole array with uniforms before it makes the tail anew; the half
        # precisions never draw the uniforms that the tail would overwrite.
        if out.dtype == FLOAT32:
            generator.words(count - whole)
        out[-16:] = box_muller_float32(generator.words(16), mean, std)


def _box_muller_float64(
    generator: Generator, count: int, mean: float, std: float, exact: bool
) -> np.ndarray:
    pairs = unit_doubles(generator, count).reshape(-1, 2, 8)
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
    for start in range(0, whole, BLOCK):
        stop = min(start + BLOCK, whole)
        out[start:stop] = _box_muller_float64(generator, stop - start, mean, std, exact)
    if whole != count:
        generator.double_words(count - whole)
        out[-16:] = _box_muller_float64(generator, 16, mean, std, exact)


def scalar_normals(
    generator: Generator, count: int, mean: float, std: float, exact: bool
) -> np.ndarray:
    """float64 numbers of the one-at-a-time path, with the generator's waiting number first."""
    numbers = np.empty(count, np.float64)
    start = 0
    if count and generator.waiting_normal is not None:
        numbers[0] = generator.waiting_normal
        generator.waiting_normal = None
        start = 1
    draws = unit_doubles(generator, (count - start + 1) // 2 * 2)
    logarithm = elementwise(math.log1p, np.log1p, -draws[1::2], exact)
    radius = np.sqrt(-2.0 * logarithm)
    angle = _TWO_PI * draws[0::2]
    cosine = elementwise(math.cos, np.cos, angle, exact)
    sine = elementwise(math.sin, np.sin, angle, exact)
    draws[0::2] = radius * cosine
    draws[1::2] = radius * sine
    numbers[start:] = draws[: count - start]
    if draws.size > count - start:
        generator.waiting_normal = float(draws[-1])
    return fused_multiply_add(numbers, std, mean)


def normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
    contiguous: bool = True,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Numbers of the normal distribution N(mean, std**2), those of ``torch.randn`` and ``normal_``.

    Args:
        shape: the shape of the result.
        mean, std: the mean and the standard deviation, ``std >= 0``.
        dtype: float16, bfloat16, float32, float64, or a complex dtype, whose real and imaginary
            parts are each drawn with ``std / sqrt(2)``.
        generator: where the words come from; the default generator if None.
        contiguous: False draws one number at a time, as ``normal_`` does when it fills a tensor
            that is not contiguous (in the order of its memory).
        out: a C-contiguous array of this shape and dtype to fill; a new one if None.

    Returns:
        A C-contiguous array, filled in row-major order.

    Raises:
        NotImplementedError: for another dtype.
        RuntimeError: if ``std`` is negative.
    """
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
        exact = flat.size <= EXACT_LIMIT
        flat[:] = round_to(dtype, scalar_normals(generator, flat.size, mean, std, exact))
    return out


def normal_elementwise(
    mean: np.ndarray | float,
    std: np.ndarray | float,
    generator: Generator | None = None,
) -> np.ndarray:
    """Normal numbers with a mean and a standard deviation of their own, those of ``torch.normal``.

    Args:
        mean, std: arrays that broadcast together, at least one of them an array.
        generator: where the words come from; the default generator if None.

    Returns:
        ``z * std + mean``, z standard normal, of the broadcast shape; the dtype is that of
        ``mean`` if it is an array, else that of ``std``.

    Raises:
        NotImplementedError: if the dtype is not floating.
        RuntimeError: if an element of ``std`` is negative, or the shapes do not broadcast.
    """
    source: Any = mean if isinstance(mean, np.ndarray) else std
    dtype = source.dtype
    if dtype not in FLOATS and dtype not in COMPLEX_PARTS:
        raise not_implemented("normal", dtype, "a floating or complex dtype")
    std_array = np.asarray(std)
    if std_array.dtype.kind == "c":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if std_array.size and not (std_array >= 0).all():
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
        numbers *= std_array.astype(dtype)
    else:
        numbers = normal(shape, 0.0, std, dtype, generator)
    numbers += np.asarray(mean).astype(dtype)
    return numbers


def log_normal(
    shape: Shape,
    mean: float = 1.0,
    std: float = 2.0,
    dtype: np.typing.DTypeLike = np.float32,
    generator: Generator | None = None,
) -> np.ndarray:
    """``exp(N(mean, std**2))``, the numbers of ``Tensor.log_normal_``.

    ``mean`` and ``std > 0`` are those of the underlying normal distribution; for the rest see
    :func:`uniform`. The numbers are drawn one at a time and share the waiting number of ``normal``.

    Raises:
        NotImplementedError: for another dtype.
        RuntimeError: if ``std`` is not positive.
    """
    dtype = np.dtype(dtype)
    generator = default_generator if generator is None else generator
    mean, std = float(mean), float(std)
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    check_float("log_normal_", dtype)
    out = np.empty(shape, dtype)
    exact = out.size <= EXACT_LIMIT
    numbers = scalar_normals(generator, out.size, mean, std, exact)
    with np.errstate(over="ignore"):
        out.reshape(-1)[:] = round_to(dtype, elementwise(_exp, np.exp, numbers, exact))
    return out


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
