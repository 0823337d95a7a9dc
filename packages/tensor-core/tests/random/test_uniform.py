"""The expected values were printed by PyTorch 2.13 (CPU) from seed 42.

The digests are the first 16 hexadecimal digits of the SHA-256 of the result's bytes.
"""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest

from lamella_core.random import Generator, uniform
from lamella_core.random.uniform import fused_multiply_add


def generator():
    return Generator().manual_seed(42)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (
            np.float32,
            [
                0.8822692632675171,
                0.9150039553642273,
                0.38286375999450684,
                0.9593056440353394,
                0.3904482126235962,
            ],
        ),
        (
            np.float64,
            [
                0.05815448596142969,
                0.06291016742457756,
                0.12358607277440903,
                0.05258016436107704,
                0.5261718968547618,
            ],
        ),
        (np.float16, [0.88232421875, 0.9150390625, 0.3828125, 0.95947265625, 0.390380859375]),
        (ml_dtypes.bfloat16, [0.8828125, 0.9140625, 0.3828125, 0.9609375, 0.390625]),
    ],
)
def test_unit_interval(dtype, expected):
    result = uniform(5, dtype=dtype, generator=generator())
    assert result.dtype == dtype
    np.testing.assert_array_equal(result.astype(np.float64), np.float64(np.array(expected, dtype)))


@pytest.mark.parametrize(
    ("dtype", "unit", "interval"),
    [
        (np.float32, "836c69c27b721ce5", "cf85c197c4f047b8"),
        (np.float64, "bd225a4779074a11", "8b0c79b5273a3fa3"),
        (np.float16, "e4a25485d0ee2fac", "d29048e89cacb6d2"),
        (ml_dtypes.bfloat16, "5b185e78ed8e9288", "9e527a19d3e10f47"),
    ],
)
def test_long_results(dtype, unit, interval):
    assert digest(uniform(100003, dtype=dtype, generator=generator())) == unit
    assert digest(uniform(100003, 0.1, 0.3, dtype, generator())) == interval


def test_complex_parts_come_in_turn():
    np.testing.assert_array_equal(
        uniform(2, dtype=np.complex64, generator=generator()),
        np.complex64(
            [
                0.8822692632675171 + 0.9150039553642273j,
                0.38286375999450684 + 0.9593056440353394j,
            ]
        ),
    )


def test_shape_is_filled_in_row_major_order():
    flat = uniform(24, generator=generator())
    np.testing.assert_array_equal(uniform((2, 3, 4), generator=generator()), flat.reshape(2, 3, 4))
    assert uniform((3, 0), generator=generator()).shape == (3, 0)
    assert uniform((), generator=generator()) == flat[0]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_never_reaches_the_upper_end(dtype):
    result = uniform(200000, dtype=dtype, generator=generator()).astype(np.float32)
    assert result.min() == 0.0
    assert result.max() < 1.0


def test_moments():
    result = uniform(100000, -1.0, 3.0, np.float64, generator())
    assert abs(result.mean() - 1.0) < 5 * np.sqrt(16 / 12 / 100000)
    assert abs(result.var() - 16 / 12) < 0.02


def test_fused_multiply_add_rounds_once():
    x = np.array([1.0 + 2.0**-30])
    # x**2 - 1 is exactly 2**-29 + 2**-60; the rounded product loses the last term.
    assert fused_multiply_add(x, 1.0 + 2.0**-30, -1.0)[0] == 2.0**-29 + 2.0**-60
    assert (x * (1.0 + 2.0**-30) - 1.0)[0] == 2.0**-29


@pytest.mark.parametrize(
    ("low", "high", "dtype", "message"),
    [
        (3, 1, np.float32, "from=3.0 > to=1.0"),
        (float("nan"), 1, np.float32, "from=nan is out of bounds"),
        (0, 1e39, np.float32, "to=1e\\+39 is out of bounds"),
        (-1e5, 1, np.float16, "out of bounds for float16"),
        (-3e38, 3e38, np.float32, "to - from"),
    ],
)
def test_bad_bounds(low, high, dtype, message):
    with pytest.raises(RuntimeError, match=message):
        uniform(3, low, high, dtype)


def test_integer_dtype_is_refused():
    with pytest.raises(NotImplementedError, match=r"uniform_.*int64"):
        uniform(3, dtype=np.int64)
