"""Sums of rows by group against a loop."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import groups as kernels


@pytest.mark.parametrize("step", [0, 1 << 40], ids=["in step", "reduced"])
@pytest.mark.parametrize("weighted", [True, False])
def test_sums(monkeypatch, weighted, step):
    monkeypatch.setattr(kernels, "STEP_ELEMENTS", step)
    random = np.random.default_rng(0)
    source = random.standard_normal((9, 4))
    lengths = np.array([2, 0, 5, 1, 0, 3])
    starts = np.cumsum(lengths) - lengths
    index = random.integers(0, 9, lengths.sum())
    factors = random.standard_normal(index.size) if weighted else None
    found = kernels.sum_groups(np, source, index, starts, lengths, factors)
    rows = source[index] if factors is None else source[index] * factors[:, None]
    expected = [rows[s : s + n].sum(0) for s, n in zip(starts, lengths, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_nothing_to_sum():
    nothing = np.array([], np.int64)
    assert kernels.sum_groups(np, np.ones((3, 2)), nothing, nothing, nothing).shape == (0, 2)
    empty = np.zeros(2, np.int64)
    assert not kernels.sum_groups(np, np.ones((3, 2)), nothing, empty, empty).any()


@pytest.mark.parametrize("step", [0, 1 << 40], ids=["in step", "reduced"])
def test_half_precision_is_summed_in_single(monkeypatch, step):
    monkeypatch.setattr(kernels, "STEP_ELEMENTS", step)
    source = np.full((1, 1), 1 / 1024, np.float16)
    index, starts = np.zeros(4096, np.int64), np.array([0])
    found = kernels.sum_groups(np, source, index, starts, np.array([4096]))
    assert found.dtype == np.float32
    assert found[0, 0] == 4
