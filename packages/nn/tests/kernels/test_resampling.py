"""Resampling of many numbers in parts, against indexing in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels.resampling import resample


@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 4, 5), -1), ((40, 9, 90), -2), ((9, 700, 80), -1), ((1, 90, 50), -1)]
)
def test_neighbours_by_their_shares(shape, dim):
    random = np.random.default_rng(0)
    x, n = random.standard_normal(shape), shape[dim]
    places = [random.integers(0, n, 200).tolist() for _ in range(2)]
    shares = [random.standard_normal(200).tolist() for _ in range(2)]
    form = (-1,) + (1,) * (-1 - dim)
    expected = sum(
        x.take(at, dim) * np.reshape(share, form) for at, share in zip(places, shares, strict=True)
    )
    np.testing.assert_allclose(resample(np, x, dim, places, shares), expected, rtol=1e-12)
    np.testing.assert_array_equal(resample(np, x, dim, places[:1], None), x.take(places[0], dim))
