"""The expected values were printed by PyTorch 2.13 (CPU) from seed 42.

The digests are the first 16 hexadecimal digits of the SHA-256 of the result's bytes.
"""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest

from lamella_core.random import Generator, integers, permutation


def generator():
    return Generator().manual_seed(42)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [2, 7, 6, 4, 6, 5, 0, 4]),
        (-5, 7, [1, 6, -1, 5, 1, 6, -1, 3]),
        (0, 2**28 - 1, [266460267, 199900607, 56755051]),
        (0, 2**28, [199900595, 250975502, 127521863]),
        (-(2**62), 2**62, [2297359619001564595, 3702525538111689998, -332153208042826681]),
        (-(2**63), None, [6909045637428952499, -909160480315697906, -4943839226470214585]),
    ],
)
def test_ranges(low, high, expected):
    result = integers(low, high, len(expected), generator=generator())
    assert result.dtype == np.int64
    assert result.tolist() == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.uint8, [102, 179, 92]),
        (np.int8, [102, 51, 92]),
        (np.int16, [23654, 15795, 860]),
        (np.int32, [1608637542, 1273642419, 1935803228]),
        (np.int64, [6909045637428952499, 8314211556539077902, 4279532810384561223]),
        (np.bool_, [False, True, False]),
        (np.float16, [426.0, 923.0, 745.0]),
        (ml_dtypes.bfloat16, [12.0, 149.0, 201.0]),
        (np.float32, [14801927.0, 15351016.0, 6423145.0]),
        (np.float64, [523809042610868.0, 566644413140339.0, 1113164382588524.0]),
    ],
)
def test_without_a_range(dtype, expected):
    result = integers(None, None, 3, dtype, generator())
    assert result.dtype == dtype
    assert result.tolist() == expected


def test_long_result():
    assert digest(integers(0, 10, 100003, generator=generator())) == "e24ba82581b21243"


def test_every_integer_is_about_equally_frequent():
    counts = np.bincount(integers(0, 8, 80000, generator=generator()), minlength=8)
    # Chi-square with 7 degrees of freedom: 24.3 is exceeded once in a thousand.
    assert ((counts - 10000.0) ** 2 / 10000.0).sum() < 24.3


def test_float_dtype_beyond_its_exact_integers_warns_and_stays_inside():
    with pytest.warns(UserWarning, match="float16"):
        result = integers(0, 4096, 5000, np.float16, generator())
    assert result.max() < 4096


def test_permutations():
    assert permutation(10, generator=generator()).tolist() == [2, 6, 1, 8, 4, 5, 0, 9, 3, 7]
    assert digest(permutation(1000, generator=generator())) == "ac5c22de20fc5d16"
    assert digest(permutation(100003, generator=generator())) == "bfbfd6932f3f7b74"
    assert permutation(0).tolist() == []
    assert permutation(1).tolist() == [0]


@pytest.mark.parametrize("n", [2, 3, 17, 255, 256, 257, 258, 500, 8450, 20000])
def test_permutation_equals_the_swaps_done_in_turn(n):
    words = generator().words(n - 1).tolist()
    expected = list(range(n))
    for i, word in enumerate(words):
        j = i + word % (n - i)
        expected[i], expected[j] = expected[j], expected[i]
    assert permutation(n, np.int32, generator()).tolist() == expected


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: integers(5, 5, 3), RuntimeError, "from=5 >= to=5"),
        (lambda: integers(0, 300, 3, np.uint8), RuntimeError, "to - 1 = 299 .* uint8"),
        (lambda: integers(-1, 3, 3, np.uint8), RuntimeError, "from = -1 .* uint8"),
        (lambda: integers(None, None, 3, np.uint16), NotImplementedError, "uint16"),
        (lambda: integers(None, None, 3, np.complex64), NotImplementedError, "complex64"),
        (lambda: integers(0, 3, 3, np.complex64), RuntimeError, "complex64"),
        (lambda: integers(-(2**63), None, 3, np.float16), NotImplementedError, "float16"),
        (lambda: permutation(-1), RuntimeError, "non-negative n, but got -1"),
        (lambda: permutation(257, np.uint8), RuntimeError, "greater than 256 for uint8"),
        (lambda: permutation(3, np.bool_), NotImplementedError, "randperm.*bool"),
        (lambda: permutation(2**28), NotImplementedError, str(2**28)),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
