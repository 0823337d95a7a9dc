"""The expected values were printed by PyTorch 2.13 (CPU) from seed 42.

The digests are the first 16 hexadecimal digits of the SHA-256 of the result's bytes.
"""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest

from lamella_core.random import Generator, bernoulli, geometric, multinomial, poisson, uniform

WIDE_ONES = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0]
NARROW_ONES = [0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]


def generator():
    return Generator().manual_seed(42)


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64, np.uint8, np.bool_]
)
def test_bernoulli_scalar(dtype):
    result = bernoulli(12, 0.3, dtype, generator())
    assert result.dtype == dtype
    assert result.astype(int).tolist() == WIDE_ONES


def test_bernoulli_array():
    assert bernoulli(12, np.full(12, 0.3, np.float32), generator=generator()).tolist() == (
        NARROW_ONES
    )
    assert bernoulli((3, 4), np.full(4, 0.3), generator=generator()).reshape(-1).tolist() == (
        WIDE_ONES
    )


def test_bernoulli_long_results():
    assert digest(bernoulli(100003, 0.3, generator=generator())) == "936f22f0f903b570"
    p = np.full(100003, 0.3, np.float32)
    assert digest(bernoulli(100003, p, generator=generator())) == "c1fd0f39cd99140b"


def test_bernoulli_certainties():
    assert not bernoulli(1000, 0.0).any()
    assert bernoulli(1000, 1.0).all()


def test_geometric():
    assert geometric(8, 0.3, np.int64, generator()).tolist() == [8, 8, 6, 9, 2, 3, 1, 1]
    assert abs(geometric(100000, 0.25, generator=generator()).mean() - 4.0) < 0.06


WEIGHTS = np.float32([1, 2, 3, 4, 0])


def test_multinomial():
    assert multinomial(WEIGHTS, 4, generator=generator()).tolist() == [3, 1, 2, 0]
    assert multinomial(WEIGHTS, 8, True, generator()).tolist() == [0, 0, 1, 0, 2, 2, 3, 3]
    rows = np.stack([WEIGHTS, WEIGHTS[::-1]])
    assert multinomial(rows, 1, generator=generator()).tolist() == [[3], [3]]


def test_multinomial_draws_in_the_order_of_memory():
    # torch.multinomial of these, with the seed 42.
    rows = np.float32([[0.1, 0.4], [0.3, 0.3], [0.6, 0.3]]).T
    assert multinomial(rows, 2, generator=generator()).tolist() == [[1, 0], [0, 1]]
    rows = np.ascontiguousarray(rows)
    assert multinomial(rows, 2, generator=generator()).tolist() == [[1, 2], [0, 2]]


@pytest.mark.parametrize("count", [1, 2])
def test_multinomial_frequencies(count):
    rows = np.broadcast_to(WEIGHTS, (20000, 5))
    for replacement in (False, True):
        first = multinomial(rows, count, replacement, generator())[:, 0]
        shares = np.bincount(first, minlength=5) / 20000
        np.testing.assert_allclose(shares, WEIGHTS / 10, atol=0.02)
        assert shares[4] == 0.0


def test_multinomial_of_no_rows():
    assert multinomial(np.ones((0, 3)), 2, True).shape == (0, 2)


def test_poisson_takes_only_the_words_it_needs():
    g = generator()
    rates = np.float32([0, 0.5, 3, 9.99, 10, 30, 1000])
    assert poisson(rates, g).tolist() == [0.0, 0.0, 1.0, 7.0, 9.0, 37.0, 1010.0]
    assert uniform(1, generator=g) == np.float32(0.3376477360725403)


@pytest.mark.parametrize("rate", [0.7, 6.0, 25.0])
def test_poisson_moments(rate):
    result = poisson(np.full(20000, rate), generator())
    assert abs(result.mean() - rate) < 5 * np.sqrt(rate / 20000)
    assert abs(result.var() / rate - 1.0) < 0.06


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bernoulli(3, 1.5), RuntimeError, "p=1.5"),
        (lambda: bernoulli(3, float("nan")), RuntimeError, "p=nan"),
        (lambda: bernoulli(1, np.array([1.5])), RuntimeError, "to 1.5"),
        (lambda: bernoulli(2, np.ones(3)), RuntimeError, r"\(3,\).*\(2,\)"),
        (lambda: bernoulli(1, np.array([1])), NotImplementedError, "int64"),
        (lambda: bernoulli(1, 0.5, np.complex64), NotImplementedError, "complex64"),
        (lambda: geometric(3, 1.0), RuntimeError, "p=1.0"),
        (lambda: geometric(3, 0.5, np.bool_), NotImplementedError, "bool"),
        (lambda: multinomial(np.array([1.0, -1.0]), 1), RuntimeError, "element < 0"),
        (lambda: multinomial(np.zeros(2), 1), RuntimeError, "sum of probabilities"),
        (lambda: multinomial(np.ones(2), 3), RuntimeError, "3 > 2"),
        (lambda: multinomial(np.ones(2), 0), RuntimeError, "got 0"),
        (lambda: multinomial(np.ones((2, 2, 2)), 1), RuntimeError, "1 or 2 dim"),
        (lambda: multinomial(np.ones(2, np.int64), 1), RuntimeError, "int64"),
        (lambda: poisson(np.array([-1.0])), RuntimeError, "non-negative"),
        (lambda: poisson(np.array([1])), NotImplementedError, "int64"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
