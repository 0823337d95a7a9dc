"""Histograms against NumPy, and numbers that PyTorch gave."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal.histograms import histc, histogram


def test_histc() -> None:
    assert histc(lc.tensor([1.0, 2.0, 1.0]), 4, 0, 3).tolist() == [0.0, 2.0, 1.0, 0.0]
    assert histc(lc.tensor([1.0, 5.0, 3.0, math.nan]), 2, 1, 5).tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="bins must be > 0"):
        histc(lc.tensor([1.0]), 0)


def test_histogram() -> None:
    x = np.random.default_rng(4).standard_normal(100)
    for density in (False, True):
        hist, edges = histogram(lc.from_numpy(x), 7, density=density)
        expected, expected_edges = np.histogram(x, 7, density=density)
        np.testing.assert_allclose(hist.numpy(), expected)
        np.testing.assert_allclose(edges.numpy(), expected_edges)
    weight = np.arange(100.0)
    bins = np.array([-1.0, 0.0, 2.0])
    hist, _ = histogram(lc.from_numpy(x), lc.from_numpy(bins), weight=lc.from_numpy(weight))
    np.testing.assert_allclose(hist.numpy(), np.histogram(x, bins, weights=weight)[0])


def test_histc_between_bins():
    # Recorded from PyTorch: which of two bins an element between them falls into.
    found = histc(lc.linspace(0, 0.3, 19), 6, 0, 0.3)
    assert found.tolist() == [3, 3, 3, 3, 3, 4]
    found = histc(lc.linspace(-0.7, 0.8, 22), 7, -0.7, 0.8)
    assert found.tolist() == [3, 3, 3, 4, 2, 3, 4]


def test_histc_of_too_great_a_range() -> None:
    # A hundred times the greatest is beyond the type; PyTorch counts it in the first place.
    assert histc(lc.tensor([0.0, 1.0, 3.4e38]), 100)[:2].tolist() == [3.0, 0.0]


def test_counts_of_many_elements() -> None:
    x = np.random.default_rng(0).normal(size=200_000)
    tensor, share = lc.from_numpy(x), np.random.default_rng(1).random(x.size)
    expected, edges = np.histogram(x, 20, (-2, 2))
    np.testing.assert_array_equal(histc(tensor, 20, -2, 2).numpy(), expected)
    counts = histogram(tensor, lc.from_numpy(edges), density=True).hist
    np.testing.assert_allclose(counts.numpy(), np.histogram(x, edges, density=True)[0])
    counts = histogram(tensor, lc.from_numpy(edges), weight=lc.from_numpy(share)).hist
    np.testing.assert_allclose(counts.numpy(), np.histogram(x, edges, weights=share)[0])


def test_counts_of_a_column() -> None:
    x = np.random.default_rng(0).random((150_000, 2)).astype(np.float32)
    found = histc(lc.from_numpy(x)[:, 1], 10, 0, 1).numpy()
    np.testing.assert_array_equal(found, np.histogram(x[:, 1], 10, (0, 1))[0])


def test_many_bins_are_counted_in_one_array() -> None:
    count = 1_000_000
    x, out = lc.rand(count), lc.zeros(count)
    tracemalloc.start()
    histc(x, count, 0, 1, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The counts are int64.
    assert peak < 8 * count + 1_100_000
    edges = (np.arange(count + 1) / count).astype(np.float32)
    counts = np.histogram(x.numpy(), edges)[0]
    # The bin of a number next to an edge is a matter of rounding.
    assert (out.numpy() != counts).mean() < 0.05 and out.sum() == count


def test_counts_beyond_memory_are_refused() -> None:
    with pytest.raises(RuntimeError, match="memory"):
        histc(lc.ones(3), 2**58)
