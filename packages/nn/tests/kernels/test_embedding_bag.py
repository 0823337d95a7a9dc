"""Look-ups by bag against a loop over the bags in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import embedding_bag as kernels

TABLE = np.random.default_rng(0).standard_normal((6, 4))
INDICES = np.array([1, 4, 1, 0, 5, 5, 2])
OFFSETS = np.array([0, 0, 3, 4, 7])
FACTORS = np.random.default_rng(1).standard_normal(7)
REDUCE = {"sum": np.sum, "mean": np.mean, "max": np.max}


def forward(indices, offsets, factors, mode, padding_idx=-1, last=False):
    return kernels.embedding_bag(
        np, TABLE, indices, offsets, factors, mode, padding_idx, False, last, False
    )


def by_loop(mode, padding_idx, factors=None, ends=(0, 3, 4, 7, 7)):
    rows = []
    for start, end in zip(OFFSETS, ends, strict=False):
        bag = [i for i in range(start, end) if INDICES[i] != padding_idx]
        values = TABLE[INDICES[bag]]
        if factors is not None:
            values = values * factors[bag][:, None]
        rows.append(REDUCE[mode](values, 0) if bag else np.zeros(4))
    return np.stack(rows)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [-1, 1])
def test_bags_by_offset(mode, padding_idx):
    found, _ = forward(INDICES, OFFSETS, None, mode, padding_idx)
    np.testing.assert_allclose(found, by_loop(mode, padding_idx))
    without_last, _ = forward(INDICES, OFFSETS, None, mode, padding_idx, True)
    np.testing.assert_allclose(without_last, by_loop(mode, padding_idx)[:4])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_one_length(mode):
    indices = np.array([[1, 2, 2], [5, 0, 1]])
    found, _ = forward(indices, None, None, mode)
    np.testing.assert_allclose(found, REDUCE[mode](TABLE[indices], 1))


def test_factors():
    found, _ = forward(INDICES, OFFSETS, FACTORS, "sum")
    np.testing.assert_allclose(found, by_loop("sum", -1, FACTORS))


def test_the_rows_of_maxima_are_known():
    found, chosen = forward(INDICES, OFFSETS, None, "max")
    assert (chosen[0] == -1).all()
    np.testing.assert_array_equal(found[1:4], TABLE[chosen[1:4], np.arange(4)])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [-1, 1])
def test_gradient_is_the_adjoint(mode, padding_idx):
    """For fixed choices the result is linear in the table: <g, A t> = <A' g, t>."""
    grad = np.random.default_rng(2).standard_normal((5, 4))
    factors = FACTORS if mode == "sum" else None
    result, chosen = forward(INDICES, OFFSETS, factors, mode, padding_idx)
    back = kernels.embedding_bag_backward(
        np, grad, INDICES, OFFSETS, factors, chosen, 6, mode, padding_idx, False, False
    )
    np.testing.assert_allclose((back * TABLE).sum(), (grad * result).sum())
    assert not back[3].any()


def test_half_precision_is_summed_in_single():
    table = np.full((2, 1), 1 / 1024, np.float16)
    indices = np.concatenate([[1], np.zeros(4096, np.int64)])
    table[1] = 16
    found, _ = kernels.embedding_bag(
        np, table, indices, np.array([0]), None, "sum", -1, False, False, False
    )
    assert found.dtype == np.float16
    assert found[0, 0] == 20


def test_errors_name_the_place():
    with pytest.raises(RuntimeError, match=r"Index 1 of input takes value 6 .* range \[0, 6\)"):
        forward(np.array([0, 6]), np.array([0]), None, "sum")
    with pytest.raises(RuntimeError, match=r"offsets\[0\] has to be 0.*got 1"):
        forward(INDICES, np.array([1]), None, "sum")
    with pytest.raises(RuntimeError, match=r"length 7 but got offsets\[-1\] of 8"):
        forward(INDICES, np.array([0, 8]), None, "sum")
    with pytest.raises(RuntimeError, match=r"must not fall.*\[0, 4, 2\]"):
        forward(INDICES, np.array([0, 4, 2]), None, "sum")


def test_what_the_padding_row_holds_does_not_matter():
    table = np.array([[np.nan], [1.0], [2.0]])
    for indices, offsets in ((np.array([[0, 1], [2, 0]]), None), (np.array([0, 1, 2, 0]), [0, 2])):
        offsets = None if offsets is None else np.array(offsets)
        found, _ = kernels.embedding_bag(
            np, table, indices, offsets, None, "mean", 0, False, False, False
        )
        np.testing.assert_array_equal(found, [[1.0], [2.0]])


def test_bags_of_one_length_in_parts():
    random = np.random.default_rng(0)
    weight = random.standard_normal((50, 300)).astype(np.float32)
    indices = random.integers(0, 50, (90, 20))
    found, _ = kernels.embedding_bag(
        np, weight, indices, None, None, "mean", -1, False, False, False
    )
    np.testing.assert_allclose(found, weight.astype(float)[indices].mean(1), rtol=1e-4, atol=1e-6)
