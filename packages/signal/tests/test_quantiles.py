"""Quantiles against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal.quantiles import nanquantile, quantile


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_quantile(interpolation: str, dim: int | None) -> None:
    x = np.random.default_rng(3).standard_normal((5, 6))
    q = np.array([0.0, 0.3, 0.5, 1.0])
    got = quantile(lc.from_numpy(x), lc.from_numpy(q), dim, interpolation=interpolation)
    expected = np.quantile(x, q, axis=dim, method=interpolation)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)
    got = quantile(lc.from_numpy(x), 0.3, dim, True, interpolation=interpolation)
    expected = np.quantile(x, 0.3, axis=dim, keepdims=True, method=interpolation)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


def test_quantile_and_nan() -> None:
    x = lc.tensor([[1.0, math.nan, 3.0], [4.0, 5.0, 6.0]])
    got = quantile(x, 0.5, 1)
    assert math.isnan(got[0].item())
    assert got[1].item() == 5.0
    assert nanquantile(x, 0.5, 1).tolist() == [2.0, 5.0]
    with pytest.raises(RuntimeError, match=r"range \[0, 1\]"):
        quantile(x, 1.5)
