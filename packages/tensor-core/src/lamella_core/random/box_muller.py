"""The Box-Muller transform in float32, rounded step for step as PyTorch's AVX2 kernel does it.

(G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29, 1958.) Logarithm, sine and cosine are the
single-precision approximations of S. L. Moshier's Cephes library, evaluated with fused
multiply-adds. Every rounding is spelled out, so that the numbers do not depend on the processor.
"""

from __future__ import annotations

import numpy as np

from .uniform import MASK_24

_f = np.float32

_SQRT_HALF = _f(0.707106781186547524)
_LOG_COEFFICIENTS = [
    float(_f(c))
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
]
# log 2 in two parts, the first short enough that its product with an exponent is exact.
_LOG_2_HIGH = _f(0.693359375)
_LOG_2_LOW = _f(-2.12194440e-4)

_COS_COEFFICIENTS = [
    float(_f(c)) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
]
_SIN_COEFFICIENTS = [float(_f(c)) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
_FOUR_OVER_PI = _f(1.27323954473516)
# pi / 4 in three parts; the first two have exact products with the octant numbers.
_QUARTER_PI_1 = _f(0.78515625)
_QUARTER_PI_2 = _f(2.4187564849853515625e-4)
_QUARTER_PI_3 = float(_f(3.77489497744594108e-8))
_TWO_PI = _f(2.0 * np.pi)


def _round_into(wide: np.ndarray, narrow: np.ndarray) -> None:
    """Round the float64 ``wide`` to float32 into ``narrow``."""
    np.copyto(narrow, wide, casting="same_kind")


def _horner(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    """The polynomial at the float32 ``x``, each step one float32 fused multiply-add.

    The product of two float32 is exact in float64, so adding there and rounding to float32 rounds
    as the fused operation does, but for ties of the second rounding (some 2**-29 of all cases).
    """
    wide_x = x.astype(np.float64)
    wide = wide_x * coefficients[0]
    narrow = np.empty_like(x)
    for coefficient in coefficients[1:-1]:
        wide += coefficient
        _round_into(wide, narrow)
        wide[:] = narrow
        wide *= wide_x
    wide += coefficients[-1]
    _round_into(wide, narrow)
    return narrow


def _fused(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The float32 fused multiply-add ``a * b + c``."""
    wide = a.astype(np.float64)
    wide *= b
    wide += c
    return wide.astype(np.float32)


def _log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of float32 x in (0, 1]."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float32)
    fraction = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)
    small = (fraction < _SQRT_HALF).astype(np.float32)
    exponent -= small
    r = fraction - _f(1.0)
    small *= fraction
    r += small
    square = r * r
    y = _horner(_LOG_COEFFICIENTS, r)
    y *= r
    y = _fused(y, square, exponent * _LOG_2_LOW)
    square *= _f(0.5)
    y -= square
    y += r
    exponent *= _LOG_2_HIGH
    y += exponent
    return y


def _sin_cos(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float32 angles in [0, 2 pi]."""
    octant = (angle * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= ~1
    j = octant.astype(np.float32)
    r = angle - j * _QUARTER_PI_1
    r -= j * _QUARTER_PI_2
    wide = j.astype(np.float64)
    wide *= -_QUARTER_PI_3
    wide += r
    r = wide.astype(np.float32)

    square = r * r
    cosine = _horner(_COS_COEFFICIENTS, square)
    cosine *= square
    cosine = _fused(cosine, square, square * _f(-0.5))
    cosine += _f(1.0)
    sine = _horner(_SIN_COEFFICIENTS, square)
    sine *= square
    sine = _fused(sine, r, r)

    swapped = (octant & 2) != 0
    sin_result = np.where(swapped, cosine, sine)
    cos_result = np.where(swapped, sine, cosine)
    # The sign bit: octants 4 and 6 for the sine, 2 and 4 for the cosine.
    sin_result.view(np.int32)[:] ^= (octant & 4) << 29
    cos_result.view(np.int32)[:] ^= ((octant + 2) & 4) << 29
    return sin_result, cos_result


def box_muller_float32(draws: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Normal numbers from 32-bit words.

    Args:
        draws: uint64 words (16 * m,). In every 16 the first eight give the radii
            ``sqrt(-2 log(1 - u))``, the last eight the angles ``2 pi u``.
        mean, std: the normal's parameters, rounded to float32.

    Returns:
        float32 (16 * m,): in every 16 eight cosines, then the eight sines of the same pairs.
    """
    draws = draws & MASK_24
    uniforms = draws.view(np.int64).astype(np.float32)
    uniforms *= _f(2.0**-24)
    pairs = uniforms.reshape(-1, 2, 8)
    radius = _log(_f(1.0) - pairs[:, 0].reshape(-1))
    radius *= _f(-2.0)
    np.sqrt(radius, out=radius)
    sine, cosine = _sin_cos(pairs[:, 1].reshape(-1) * _TWO_PI)
    cosine *= radius
    sine *= radius
    pairs[:, 0] = cosine.reshape(-1, 8)
    pairs[:, 1] = sine.reshape(-1, 8)
    if mean == 0.0 and std == 1.0:
        return uniforms
    wide = uniforms.astype(np.float64)
    wide *= float(_f(std))
    wide += float(_f(mean))
    return wide.astype(np.float32)
