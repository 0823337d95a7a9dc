"""Covariances and correlations against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 6))
COMPLEX = X + 1j * RNG.standard_normal((3, 6))
COUNTS = np.array([1, 2, 0, 3, 1, 1])
SHARES = RNG.random(6)


@pytest.mark.parametrize("correction", [0, 1, 2])
@pytest.mark.parametrize("counts", [None, COUNTS])
@pytest.mark.parametrize("shares", [None, SHARES])
@pytest.mark.parametrize("x", [X, COMPLEX, X[0]])
def test_covariances(x: np.ndarray, shares: Any, counts: Any, correction: int) -> None:
    got = lc.cov(
        lc.from_numpy(x),
        correction=correction,
        fweights=None if counts is None else lc.from_numpy(counts),
        aweights=None if shares is None else lc.from_numpy(shares),
    )
    expected = np.cov(x, ddof=correction, fweights=counts, aweights=shares)
    np.testing.assert_allclose(got.numpy(), expected)


@pytest.mark.parametrize("x", [X, COMPLEX, X[0]])
def test_correlations(x: np.ndarray) -> None:
    np.testing.assert_allclose(lc.from_numpy(x).corrcoef().numpy(), np.corrcoef(x))


def test_too_few_observations() -> None:
    with pytest.warns(UserWarning, match="degrees of freedom"):
        got = lc.cov(lc.tensor([[1.0, 2.0]]), correction=2)
    assert got.item() == float("inf")


def test_refused_arguments() -> None:
    x = lc.ones(2, 3)
    with pytest.raises(RuntimeError, match="two or fewer"):
        lc.cov(lc.ones(1, 2, 3))
    with pytest.raises(RuntimeError, match="two or fewer"):
        lc.corrcoef(lc.ones(1, 2, 3))
    with pytest.raises(RuntimeError, match="bool"):
        lc.cov(lc.tensor([True, False]))
    for name, weights in (
        ("fweights", lc.ones(3)),
        ("fweights", lc.tensor([1, 2])),
        ("fweights", lc.tensor([1, 2, -1])),
        ("fweights", lc.tensor([0, 0, 0])),
        ("aweights", lc.tensor([1, 2, 3])),
        ("aweights", lc.ones(1, 3)),
        ("aweights", lc.tensor([1.0, -1.0, 1.0])),
    ):
        with pytest.raises(RuntimeError, match="weights"):
            lc.cov(x, **{name: weights})
