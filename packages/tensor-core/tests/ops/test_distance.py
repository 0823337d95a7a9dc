"""Distances against sums over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("count", [3, 30])
def test_cdist(p: float, count: int) -> None:
    a, b = RNG.standard_normal((2, count, 4)), RNG.standard_normal((5, 4))
    b[0] = a[0, 0]
    got = lc.cdist(lc.from_numpy(a), lc.from_numpy(b), p).numpy()
    gaps = a[:, :, None] - b
    expected = np.linalg.norm(gaps, p, -1)
    # A distance of 0 by the matrix product keeps the root of the rounding.
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-7)


def test_wrong_distances() -> None:
    with pytest.raises(RuntimeError, match="columns"):
        lc.cdist(lc.ones(2, 3), lc.ones(2, 4))
    with pytest.raises(RuntimeError, match="non-negative"):
        lc.cdist(lc.ones(2, 3), lc.ones(2, 3), -1.0)
    with pytest.raises(ValueError, match="compute_mode"):
        lc.cdist(lc.ones(2, 3), lc.ones(2, 3), compute_mode="fast")


@pytest.mark.parametrize("p", [0.5, 1, 2, 3])
def test_renorm(p: float) -> None:
    x = RNG.standard_normal((3, 2, 4)) * np.array([0.001, 1, 10])[:, None, None]
    got = lc.renorm(lc.from_numpy(x), p, 0, 2.0).numpy()
    norms = np.linalg.norm(x.reshape(3, -1), p, 1)
    expected = x * np.where(norms > 2, 2 / norms, 1)[:, None, None]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    tensor = lc.from_numpy(x.copy())
    assert tensor.renorm_(p, 0, 2.0) is tensor
    np.testing.assert_array_equal(tensor.numpy(), got)


@pytest.mark.parametrize("arguments", [(0, 0, 1.0), (2, 0, -1.0), (2j, 0, 1.0)])
def test_wrong_renorm(arguments: tuple[float, int, float]) -> None:
    with pytest.raises(RuntimeError):
        lc.renorm(lc.ones(2, 2), *arguments)
    with pytest.raises(RuntimeError):
        lc.renorm(lc.ones(2), 2, 0, 1.0)
