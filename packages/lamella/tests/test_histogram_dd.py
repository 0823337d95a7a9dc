"""Histograms of several variables against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import lamella as lc

RNG = np.random.default_rng(0)
POINTS = RNG.random((50, 2))
WEIGHT = RNG.random(50)


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_counted_bins(weighted: bool, density: bool) -> None:
    weight = WEIGHT if weighted else None
    expected, edges = np.histogramdd(
        POINTS, (3, 4), ((0.2, 0.9), (0.0, 0.5)), density=density, weights=weight
    )
    got = lc.histogramdd(
        lc.from_numpy(POINTS),
        [3, 4],
        [0.2, 0.9, 0.0, 0.5],
        None if weight is None else lc.from_numpy(weight),
        density,
    )
    np.testing.assert_allclose(got.hist.numpy(), expected)
    for one, other in zip(got.bin_edges, edges, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-15)


def test_the_range_of_the_points() -> None:
    got = lc.histogramdd(lc.from_numpy(POINTS.reshape(5, 10, 2)), 4)
    expected, edges = np.histogramdd(POINTS, 4)
    np.testing.assert_array_equal(got.hist.numpy(), expected)
    np.testing.assert_allclose(got.bin_edges[1].numpy(), edges[1])


def test_given_edges() -> None:
    edges = [np.array([0.0, 0.1, 0.7]), np.array([0.5, 0.6, 0.65, 1.0])]
    got = lc.histogramdd(lc.from_numpy(POINTS), [lc.from_numpy(each) for each in edges])
    np.testing.assert_array_equal(got.hist.numpy(), np.histogramdd(POINTS, edges)[0])


def test_refused_arguments() -> None:
    points = lc.ones(5, 2)
    with pytest.raises(RuntimeError):
        lc.histogramdd(lc.ones(5), [2])
    with pytest.raises(IndexError):
        lc.histogramdd(lc.tensor(1.0), 2)
    with pytest.raises(RuntimeError):
        lc.histogramdd(points, [2])
    with pytest.raises(RuntimeError):
        lc.histogramdd(points, [2, 0])
    with pytest.raises(RuntimeError):
        lc.histogramdd(points, 2, range=[0.0, 1.0])
    with pytest.raises(RuntimeError):
        lc.histogramdd(points, 2, weight=lc.ones(4))
    with pytest.raises(RuntimeError):
        lc.histogramdd(points, 2, weight=lc.ones(5, dtype=lc.float64))
    with pytest.raises(NotImplementedError):
        lc.histogramdd(points.long(), 2)


def test_many_points() -> None:
    points, weight = RNG.random((40_000, 2)), RNG.random(40_000)
    got = lc.histogramdd(lc.from_numpy(points), [3, 4], weight=lc.from_numpy(weight))
    expected, _ = np.histogramdd(points, (3, 4), weights=weight)
    np.testing.assert_allclose(got.hist.numpy(), expected)
