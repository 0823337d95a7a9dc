from __future__ import annotations

import numpy as np
import pytest

from lamella_core import random
from lamella_core.random.box_muller import box_muller_float32
from lamella_core.random.generator import steps
from lamella_cpu_kernels import _native
from lamella_cpu_kernels.overrides import knows_twister


def words_of(bits: np.random.MT19937, count: int) -> np.ndarray:
    words = np.empty(count, np.uint64)
    assert _native.draw_words(bits.ctypes.state_address, words)
    return words


def test_words_are_the_twisters() -> None:
    # The 10000th word of seed 5489, from the C++ standard, [rand.predef].
    bits = np.random.RandomState(5489)._bit_generator
    assert [int(words_of(bits, n)[-1]) for n in (1, 623, 1, 8000, 1375)][-1] == 4123659995
    other = np.random.RandomState(5489)._bit_generator
    other.random_raw(10000, False)
    assert other.random_raw() == words_of(bits, 1)[0]


def test_numpys_state_has_the_layout_that_is_written_to() -> None:
    assert knows_twister()
    assert steps["draw"] is not np.random.MT19937.random_raw


def test_normal_numbers_are_box_and_mullers() -> None:
    words = np.random.MT19937(3).random_raw(1 << 16)
    numbers = np.empty(words.size, np.float32)
    assert _native.normal_blocks(words, numbers, 0.0, 1.0)
    uniform = (words & np.uint64(2**24 - 1)).reshape(-1, 2, 8) * 2.0**-24
    radius = np.sqrt(-2 * np.log(1 - uniform[:, 0]))
    expected = np.stack(
        (radius * np.cos(2 * np.pi * uniform[:, 1]), radius * np.sin(2 * np.pi * uniform[:, 1])), 1
    )
    np.testing.assert_allclose(numbers, expected.reshape(-1), rtol=2e-6, atol=2e-6)
    scaled = np.empty_like(numbers)
    assert _native.normal_blocks(words, scaled, 0.25, 4.0)
    np.testing.assert_allclose(scaled, 4.0 * numbers.astype(np.float64) + 0.25, rtol=1e-6)


def test_every_bit_is_that_of_the_kernel_below() -> None:
    words = np.arange(1 << 24, dtype=np.uint64)[:: 1 << 7]
    words = np.ascontiguousarray(np.concatenate((words, words[::-1])))
    native, below = np.empty((2, words.size), np.float32)
    assert _native.normal_blocks(words, native, 0.5, 3.0)
    low = (words & np.uint64(2**24 - 1)).astype(np.int32)
    below[:] = box_muller_float32(low, 0.5, 3.0)
    np.testing.assert_array_equal(native.view(np.int32), below.view(np.int32))


def test_the_numbers_of_a_seed() -> None:
    generator = random.Generator().manual_seed(0)
    # PyTorch's: torch.manual_seed(0); torch.randn(32)[:4], torch.randperm(1000)[:8].
    first = random.normal(32, generator=generator)[:4]
    np.testing.assert_allclose(first, [-1.1258398, -1.1523602, -0.2505786, -0.4338788], rtol=1e-6)
    generator.manual_seed(0)
    permutation = random.permutation(1000, generator=generator)
    assert permutation[:8].tolist() == [44, 37, 675, 775, 947, 209, 719, 500]


@pytest.mark.parametrize("kind", ["int64", "float32"])
def test_swaps(kind) -> None:
    words = np.random.MT19937(1).random_raw(40)
    values, expected = np.arange(50, dtype=kind), list(range(50))
    assert _native.swaps(values, words)
    for i, word in enumerate(words.tolist()):
        j = i + word % (50 - i)
        expected[i], expected[j] = expected[j], expected[i]
    assert values.tolist() == expected


def test_what_is_left_to_the_kernels_below() -> None:
    words = np.zeros(16, np.uint64)
    assert not _native.normal_blocks(words, np.empty(16), 0.0, 1.0)
    assert not _native.normal_blocks(words[:8], np.empty(8, np.float32), 0.0, 1.0)
    assert not _native.swaps(np.arange(20, dtype=np.int16), words)
    assert not _native.swaps(np.arange(8), words)
    assert not _native.draw_words(0, np.empty(4, np.uint32))
