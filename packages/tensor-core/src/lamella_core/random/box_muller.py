"""The Box-Muller transform in float32, rounded step for step as PyTorch's AVX2 kernel does it.

(G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29, 1958.) Logarithm, sine and cosine are the
single-precision approximations of S. L. Moshier's Cephes library, evaluated with fused
multiply-adds. Every rounding is spelled out, so that the numbers do not depend on the processor.

Both functions take one of 2**24 arguments, and give the right bits for each of them.
"""

from __future__ import annotations

import numpy as np


def _single(*numbers: float) -> list[np.ndarray]:
    # float32 arrays without dimensions, which ufuncs take quicker than Python's numbers.
    return [np.array(number, np.float32) for number in numbers]


def _wide(*numbers: float) -> list[np.ndarray]:
    # The same numbers, rounded to float32, as float64.
    return [np.array(np.float32(number), np.float64) for number in numbers]


_LOG_COEFFICIENTS = _wide(
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
# log 2 in two parts, the first short enough that its product with an exponent is exact.
_LOG_2_HIGH, _LOG_2_LOW = _single(0.693359375, -2.12194440e-4)
# The bits of sqrt(1/2): what is left of a number's bits above them is its exponent.
_SQRT_HALF = 0x3F3504F3
_SCALED_SQRT_HALF = np.array(_SQRT_HALF + (24 << 23), np.int32)

# Of the cosine and the sine, highest power first, to be used side by side.
_COEFFICIENTS = np.array(
    [_wide(2.443315711809948e-5, -1.9515295891e-4),
     _wide(-1.388731625493765e-3, 8.3321608736e-3),
     _wide(4.166664568298827e-2, -1.6666654611e-1)]
)[..., None]  # fmt: skip
# pi / 4 in three parts; twice the first two have exact products with the quadrant numbers.
_HALF_PI_1, _HALF_PI_2 = _single(2 * 0.78515625, 2 * 2.4187564849853515625e-4)
(_HALF_PI_3,) = _wide(-2 * 3.77489497744594108e-8)
(_ANGLE,) = _single(float(np.float32(2.0 * np.pi)) * 2.0**-24)

_ZERO, _ONE, _MINUS_TWO, _HALF = _single(0.0, 1.0, -2.0, 0.5)
(_MINUS_HALF,) = _wide(-0.5)


def _integers(*numbers: int) -> list[np.ndarray]:
    return [np.array(number, np.int32) for number in numbers]


_24_BITS, _23, _FRACTION, _HALF_BITS, _I1, _I2, _22, _21, _30 = _integers(
    2**24, 23, 2**23 - 1, _SQRT_HALF, 1, 2, 22, 2**21, 30
)


def _radii(k: np.ndarray) -> np.ndarray:
    # ``sqrt(-2 log(1 - k / 2**24))`` of int32 k in [0, 2**24).
    bits = np.subtract(_24_BITS, k).astype(np.float32).view(np.int32)
    bits -= _SCALED_SQRT_HALF
    exponent = (bits >> _23).astype(np.float32)
    bits &= _FRACTION
    bits += _HALF_BITS
    # The fraction, from sqrt(1/2) up to sqrt(2), less 1.
    r = bits.view(np.float32)
    r -= _ONE
    wide_r = r.astype(np.float64)
    square = r * r
    # Each step is one fused multiply-add of float32. The product of two float32 is exact in
    # float64, so adding there and rounding to float32 rounds as the fused operation does, but for
    # ties of the second rounding, of which there are none among the arguments.
    y = np.empty_like(r)
    wide = wide_r * _LOG_COEFFICIENTS[0]
    for coefficient in _LOG_COEFFICIENTS[1:-1]:
        wide += coefficient
        y[...] = wide
        wide[...] = y
        wide *= wide_r
    wide += _LOG_COEFFICIENTS[-1]
    y[...] = wide
    y *= r
    wide[...] = y
    wide_r[...] = square
    wide *= wide_r
    np.multiply(exponent, _LOG_2_LOW, out=y)
    wide_r[...] = y
    wide += wide_r
    y[...] = wide
    square *= _HALF
    y -= square
    y += r
    exponent *= _LOG_2_HIGH
    y += exponent
    y *= _MINUS_TWO
    return np.sqrt(y, out=y)


def _turn(k: np.ndarray) -> np.ndarray:
    # Cosine and sine, float32 (2, m), of the angles ``2 pi k / 2**24``, int32 k in [0, 2**24).
    quadrant = k + _21
    quadrant >>= _22
    y = np.empty((2, k.size), np.float32)
    factor, wide = np.empty((2, 2, k.size))
    # The results' room holds the angle, reduced to [-pi / 4, pi / 4], and the quadrant before.
    r, j = y
    r[...] = k
    r *= _ANGLE
    j[...] = quadrant
    square = j * _HALF_PI_1
    r -= square
    np.multiply(j, _HALF_PI_2, out=square)
    r -= square
    wide[0] = j
    wide[0] *= _HALF_PI_3
    wide[1] = r
    wide[1] += wide[0]
    r[...] = wide[1]
    np.multiply(r, r, out=square)
    factor[0] = square
    factor[1] = r

    np.multiply(factor[0], _COEFFICIENTS[0], out=wide)
    wide += _COEFFICIENTS[1]
    y[...] = wide
    wide[...] = y
    wide *= factor[0]
    wide += _COEFFICIENTS[2]
    y[...] = wide
    y *= square
    wide[...] = y
    wide *= factor
    factor[0] *= _MINUS_HALF
    wide += factor
    y[...] = wide
    y[0] += _ONE
    del factor, wide, square

    # Cosine and sine change places in the odd quadrants; then the signs, in the highest bit.
    bits = y.view(np.int32)
    swap = quadrant & _I1
    np.negative(swap, out=swap)
    swap &= bits[0] ^ bits[1]
    bits ^= swap
    np.bitwise_and(quadrant, _I2, out=swap)
    swap <<= _30
    bits[1] ^= swap
    quadrant += _I1
    quadrant &= _I2
    quadrant <<= _30
    bits[0] ^= quadrant
    return y


def normal_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # Pairs of standard normal numbers, float32 (2, m): the cosines, and the sines.
    #
    # Of the low 24 bits of two words a pair, int32 (m,). The first give the radii
    # ``sqrt(-2 log(1 - u))``, the second the angles ``2 pi u``.
    numbers = _turn(second)
    numbers *= _radii(first)
    # PyTorch adds the mean, which makes -0 to 0.
    numbers += _ZERO
    return numbers


def scale(numbers: np.ndarray, mean: float, std: float) -> np.ndarray:
    # The float32 ``numbers * std + mean``, rounded once; in place where nothing changes.
    if mean == 0.0 and std == 1.0:
        return numbers
    wide = numbers.astype(np.float64)
    wide *= float(np.float32(std))
    wide += float(np.float32(mean))
    return wide.astype(np.float32)


def box_muller_float32(bits: np.ndarray, mean: float, std: float) -> np.ndarray:
    # Normal numbers, float32 (16 * m,), of the low 24 bits of as many words, int32.
    #
    # In every 16 the first eight words give the radii, the last eight the angles: they become eight
    # cosines, then the eight sines of the same pairs.
    halves = np.empty((2, bits.size // 2), np.int32)
    halves.reshape(2, -1, 8)[...] = bits.reshape(-1, 2, 8).swapaxes(0, 1)
    pairs = normal_pairs(*halves)
    del halves
    numbers = np.empty(bits.size, np.float32)
    numbers.reshape(-1, 2, 8)[...] = pairs.reshape(2, -1, 8).swapaxes(0, 1)
    return scale(numbers, mean, std)
