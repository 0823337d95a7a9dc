from __future__ import annotations

import numpy as np

from lamella_core.random import Generator
from lamella_core.random.box_muller import box_muller_float32
from lamella_core.random.uniform import low_bits


def test_agrees_with_the_transform_in_double_precision():
    words = Generator().manual_seed(1).words(16 * 2000)
    uniforms = ((words & np.uint64(2**24 - 1)) / 2.0**24).reshape(-1, 2, 8)
    radius = np.sqrt(-2.0 * np.log(1.0 - uniforms[:, 0]))
    angle = 2.0 * np.pi * uniforms[:, 1]
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    result = box_muller_float32(low_bits(words), 0.0, 1.0)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected.reshape(-1), rtol=2e-6, atol=2e-6)


def test_extreme_words():
    # u = 0 gives radius 0; u = 1 - 2**-24 gives sqrt(48 log 2).
    lowest = box_muller_float32(np.zeros(16, np.int32), 0.0, 1.0)
    np.testing.assert_array_equal(lowest, np.zeros(16, np.float32))
    # Radius 0 in the third quadrant: PyTorch gives 0, not -0.
    turned = np.zeros(16, np.int32)
    turned[8:] = 9 << 20
    assert not np.signbit(box_muller_float32(turned, 0.0, 1.0)).any()
    words = np.zeros(16, np.uint64)
    words[:8] = 2**32 - 1
    np.testing.assert_allclose(
        box_muller_float32(low_bits(words), 0.0, 1.0)[:8], np.sqrt(48 * np.log(2)), rtol=2e-7
    )


def test_mean_and_standard_deviation():
    words = Generator().manual_seed(2).words(160)
    standard = box_muller_float32(low_bits(words), 0.0, 1.0).astype(np.float64)
    np.testing.assert_allclose(
        box_muller_float32(low_bits(words), 0.25, 4.0), standard * 4.0 + 0.25, rtol=1e-6, atol=1e-6
    )


def test_the_words_stay_unchanged():
    bits = low_bits(Generator().manual_seed(3).words(32))
    before = bits.copy()
    box_muller_float32(bits, 1.0, 2.0)
    np.testing.assert_array_equal(bits, before)
