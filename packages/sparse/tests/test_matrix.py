from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse import addmm, mm, spmm

RANDOM = np.random.default_rng(0)
LEFT = RANDOM.standard_normal((5, 6)) * (RANDOM.random((5, 6)) < 0.4)
RIGHT = RANDOM.standard_normal((6, 3)) * (RANDOM.random((6, 3)) < 0.5)


def test_products() -> None:
    left, right = core.tensor(LEFT), core.tensor(RIGHT)
    expected = LEFT @ RIGHT
    for found in (
        left.to_sparse() @ right,
        left @ right.to_sparse(),
        mm(left.to_sparse(), right),
        mm(left.to_sparse(), right.to_sparse()).to_dense(),
        (left.to_sparse() @ right[:, :1]),
    ):
        np.testing.assert_allclose(found.numpy(), expected[:, : found.shape[1]], atol=1e-12)
    np.testing.assert_allclose((left.to_sparse() @ right[:, 0]).numpy(), expected[:, 0], atol=1e-12)


def test_product_of_two_sparse_is_sparse() -> None:
    product = mm(core.tensor(LEFT).to_sparse(), core.tensor(RIGHT).to_sparse())
    assert product.is_sparse
    assert product.is_coalesced()


def test_addmm() -> None:
    left, right, base = core.tensor(LEFT).to_sparse(), core.tensor(RIGHT), np.ones((5, 3))
    found = addmm(core.tensor(base), left, right, beta=0.5, alpha=2)
    np.testing.assert_allclose(found.numpy(), 0.5 * base + 2 * LEFT @ RIGHT)


def test_errors() -> None:
    left = core.tensor(LEFT).to_sparse()
    with pytest.raises(RuntimeError, match="5x6 and 5x3"):
        mm(left, core.ones(5, 3, dtype=core.float64))
    with pytest.raises(RuntimeError, match="sparse_dim is 1"):
        mm(core.tensor(LEFT).to_sparse(1), core.tensor(RIGHT))
    with pytest.raises(NotImplementedError, match="reduce"):
        mm(left, core.tensor(RIGHT), "mean")


def test_spmm_takes_sparse_and_dense_matrices():
    dense, other = core.tensor([[0.0, 2.0], [3.0, 0.0]]), core.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = [[6.0, 8.0], [3.0, 6.0]]
    assert spmm(dense.to_sparse(), other).tolist() == expected
    assert spmm(dense, other).tolist() == expected
    assert spmm(dense.to_sparse(), other.to_sparse()).to_dense().tolist() == expected
