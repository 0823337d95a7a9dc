"""The expected values were printed by PyTorch 2.13 (CPU) from seed 42."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from lamella_core.random import Generator, cauchy, exponential


def generator():
    return Generator().manual_seed(42)


def test_exponential():
    np.testing.assert_allclose(
        exponential(4, 2.0, generator=generator()),
        np.float32(
            [0.029957007616758347, 0.03248806297779083, 0.06595838814973831, 0.027006475254893303]
        ),
        rtol=1e-7,
    )
    np.testing.assert_allclose(
        exponential(4, 2.0, np.float64, generator()),
        [0.029957007845401073, 0.03248806439669265, 0.06595838999204529, 0.02700647589534708],
        rtol=1e-15,
    )


def test_cauchy():
    np.testing.assert_allclose(
        cauchy(4, 1.0, 0.5, generator=generator()),
        np.float32(
            [-1.706243634223938, -1.4968504905700684, -0.22243715822696686, -1.9993196725845337]
        ),
        rtol=1e-7,
    )


def test_exponential_moments():
    result = exponential(100000, 4.0, np.float64, generator())
    assert result.min() >= 0.0
    assert abs(result.mean() - 0.25) < 5 * 0.25 / np.sqrt(100000)
    assert abs(result.std() - 0.25) < 0.01


def test_cauchy_quartiles():
    quartiles = np.quantile(cauchy(100000, 1.0, 2.0, generator=generator()), [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [-1.0, 1.0, 3.0], atol=0.1)


@pytest.mark.parametrize("draw", [exponential, cauchy])
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_float32_rounded(draw, dtype):
    single = draw(1000, generator=generator())
    np.testing.assert_array_equal(
        draw(1000, dtype=dtype, generator=generator()), single.astype(dtype)
    )


@pytest.mark.parametrize("draw", [exponential, cauchy])
def test_long_float64_results_agree_with_short_ones(draw):
    long = draw(5000, dtype=np.float64, generator=generator())
    short = draw(100, dtype=np.float64, generator=generator())
    np.testing.assert_allclose(long[:100], short, rtol=1e-14)


def test_errors():
    with pytest.raises(RuntimeError, match=r"lambda > 0.0, but found lambda=0"):
        exponential(3, 0.0)
    with pytest.raises(RuntimeError, match=r"sigma > 0.0, but found sigma=-1"):
        cauchy(3, 0.0, -1.0)
    for draw in (exponential, cauchy):
        with pytest.raises(RuntimeError, match="floating dtype, but got int64"):
            draw(3, dtype=np.int64)
