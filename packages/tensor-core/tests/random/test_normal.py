"""The expected values were printed by PyTorch 2.13 (CPU) from seed 42.

The digests are the first 16 hexadecimal digits of the SHA-256 of the result's bytes.
"""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest

from lamella_core.random import Generator, log_normal, normal, normal_elementwise


def generator():
    return Generator().manual_seed(42)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, [0.33669036626815796, 0.12880940735340118, 0.23446236550807953]),
        (np.float64, [0.33669035438385886, 0.1288094051365897, 0.23446236336153173]),
        (np.float16, [0.336669921875, 0.1287841796875, 0.2344970703125]),
        (ml_dtypes.bfloat16, [0.3359375, 0.12890625, 0.234375]),
    ],
)
def test_few_numbers(dtype, expected):
    result = normal(3, dtype=dtype, generator=generator())
    assert result.dtype == dtype
    np.testing.assert_allclose(result.astype(np.float64), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (
            np.float32,
            [
                1.9269152879714966,
                -0.1595974713563919,
                0.3558599054813385,
                0.859858512878418,
                -0.3097267746925354,
            ],
        ),
        (
            np.float64,
            [
                0.2995562877502637,
                1.504572275678796,
                0.038435238263354446,
                0.855215961472287,
                0.2494118796915765,
            ],
        ),
        (np.float16, [1.9267578125, 1.642578125, 1.6806640625, -0.25146484375, 0.85986328125]),
        (ml_dtypes.bfloat16, [1.9296875, 1.640625, 1.6796875, -0.251953125, 0.859375]),
    ],
)
def test_the_last_sixteen_are_made_anew(dtype, expected):
    result = normal(17, dtype=dtype, generator=generator()).astype(np.float64)
    np.testing.assert_allclose(result[[0, 1, 8, 15, 16]], expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("dtype", "standard", "scaled"),
    [
        (np.float32, "fa6d3f1cca1f8ba3", "1518b86ccc9dd715"),
        (np.float16, "f713060a20703f33", "cafc3750a5163312"),
        (ml_dtypes.bfloat16, "986de7af16cdc3b9", "2215f122519eb2d1"),
    ],
)
def test_long_results(dtype, standard, scaled):
    assert digest(normal(100003, dtype=dtype, generator=generator())) == standard
    assert digest(normal(100003, 0.3, 1.7, dtype, generator())) == scaled


def test_long_float64_result():
    result = normal(100003, dtype=np.float64, generator=generator())
    np.testing.assert_allclose(
        result[[0, 1, 50000, 100002]],
        [0.2995562877502637, 0.24237779080894106, 0.539620246579107, 0.86286872459171],
        rtol=1e-13,
    )


def test_one_at_a_time():
    result = normal(20, generator=generator(), contiguous=False)
    np.testing.assert_array_equal(
        result[[0, 1, 2, 19]],
        np.float32(
            [0.33669036626815796, 0.12880940735340118, 0.23446236550807953, -0.7506223320960999]
        ),
    )


def test_the_second_number_of_a_pair_waits_for_the_next_call():
    one_call = normal(6, dtype=np.float64, generator=generator())
    g = generator()
    several = [normal(n, dtype=np.float64, generator=g) for n in (1, 0, 2, 3)]
    np.testing.assert_array_equal(np.concatenate(several), one_call)


def test_complex_variance_is_shared_between_the_parts():
    np.testing.assert_array_equal(
        normal(2, dtype=np.complex64, generator=generator()),
        np.complex64(
            [
                0.23807603120803833 + 0.09108200669288635j,
                0.16578993201255798 + 0.16287004947662354j,
            ]
        ),
    )


def test_moments():
    result = normal(100000, 2.0, 3.0, generator=generator()).astype(np.float64)
    assert abs(result.mean() - 2.0) < 5 * 3.0 / np.sqrt(100000)
    assert abs(result.std() - 3.0) < 0.05
    assert abs((((result - 2.0) / 3.0) ** 4).mean() - 3.0) < 0.15


def test_elementwise_parameters():
    mean = np.float32([0, 10, 20])
    np.testing.assert_array_equal(
        normal_elementwise(mean, np.float32([1, 2, 0.5]), generator()),
        np.float32([0.33669036626815796, 10.25761890411377, 20.117231369018555]),
    )
    np.testing.assert_array_equal(
        normal_elementwise(mean, 0.7, generator()),
        np.float32([0.23568324744701385, 10.090167045593262, 20.16412353515625]),
    )
    assert normal_elementwise(np.zeros((4, 1)), np.ones(3), generator()).shape == (4, 3)


def test_log_normal():
    np.testing.assert_allclose(
        log_normal(3, 0.5, 0.25, generator=generator()),
        np.float32([1.793506383895874, 1.7026780843734741, 1.7482504844665527]),
        rtol=1e-7,
    )


def test_errors():
    with pytest.raises(RuntimeError, match=r"std >= 0.0, but found std -1"):
        normal(3, 0.0, -1.0)
    with pytest.raises(NotImplementedError, match=r"normal_.*int64"):
        normal(3, dtype=np.int64)
    with pytest.raises(RuntimeError, match="all elements of std"):
        normal_elementwise(np.zeros(2), np.array([1.0, -1.0]))
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(3,\)"):
        normal_elementwise(np.zeros(2), np.ones(3))
    with pytest.raises(NotImplementedError, match="int64"):
        normal_elementwise(np.zeros(2, np.int64), 1.0)
    with pytest.raises(RuntimeError, match=r"std > 0.0"):
        log_normal(3, 0.0, 0.0)
