"""Resampling of many numbers in parts, against indexing in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels.resampling import resample


@pytest.mark.parametrize(
    ("shape", "dims"), [((3, 4, 5), 1), ((40, 9, 90), 2), ((9, 700, 80), 1), ((1, 3, 90, 50), 2)]
)
@pytest.mark.parametrize("last", [False, True])
def test_neighbours_by_their_shares(shape, dims, last):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape)
    if last:
        if len(shape) != 4:
            pytest.skip("channels-last has four dimensions")
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    sizes = shape[-dims:]
    places = [[random.integers(0, n, 300).tolist() for _ in range(2)] for n in sizes]
    shares = [[random.standard_normal(300).tolist() for _ in range(2)] for n in sizes]
    expected, nearest = x, x
    for i, (at, share) in enumerate(zip(places, shares, strict=True)):
        dim = i - dims
        form = (-1,) + (1,) * (-1 - dim)
        pairs = zip(at, share, strict=True)
        expected = sum(expected.take(a, dim) * np.reshape(s, form) for a, s in pairs)
        nearest = nearest.take(at[0], dim)
    np.testing.assert_allclose(resample(np, x, places, shares), expected, rtol=1e-12)
    np.testing.assert_array_equal(resample(np, x, [p[:1] for p in places], None), nearest)


def test_half_precision_is_rounded_once():
    x = np.random.default_rng(0).standard_normal((700, 400)).astype(np.float16)
    share = [[0.1] * 800, [0.9] * 800]
    at = [[i % 400 for i in range(800)], [(7 * i) % 400 for i in range(800)]]
    found = resample(np, x, [at], [share])
    wide = x.astype(np.float32)
    exact = wide[:, at[0]] * np.float32(0.1) + wide[:, at[1]] * np.float32(0.9)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, exact.astype(np.float16))
