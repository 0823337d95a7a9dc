from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse import log_softmax, softmax, sparse_coo_tensor, sum

ARRAY = np.random.default_rng(3).integers(-2, 3, (4, 3, 5)).astype(np.float64)


@pytest.mark.parametrize("sparse_dim", [1, 2, 3])
@pytest.mark.parametrize("dim", [None, 0, 1, 2, -1, (0, 1), (0, 2), (0, 1, 2)])
def test_sums_are_numpys(sparse_dim: int, dim) -> None:
    found = sum(core.tensor(ARRAY).to_sparse(sparse_dim), dim)
    if found.is_sparse:
        found = found.to_dense()
    np.testing.assert_allclose(found.numpy(), ARRAY.sum(dim))


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax_counts_missing_elements_as_minus_infinity(dim: int) -> None:
    matrix = ARRAY[:, :, 0]
    masked = np.where(matrix == 0, -np.inf, matrix)
    highest = masked.max(dim, keepdims=True)
    exponentials = np.exp(masked - np.where(np.isfinite(highest), highest, 0))
    totals = exponentials.sum(dim, keepdims=True)
    expected = exponentials / np.where(totals == 0, 1, totals)
    sparse = core.tensor(matrix).to_sparse()
    np.testing.assert_allclose(softmax(sparse, dim).to_dense().numpy(), expected)
    logarithms = log_softmax(sparse, dim).coalesce().values().numpy()
    np.testing.assert_allclose(np.exp(logarithms), expected[expected != 0])


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="expected a sparse tensor"):
        sum(core.ones(2))
    with pytest.raises(RuntimeError, match="dim 0 appears multiple times"):
        sum(sparse_coo_tensor((2, 3)), (0, 0))
    for function in (sum, softmax, log_softmax):
        with pytest.raises(IndexError, match="out of range"):
            function(sparse_coo_tensor((2, 3)), 2)
    with pytest.raises(NotImplementedError, match="softmax.*'Long'"):
        softmax(sparse_coo_tensor([[0]], [1], (2,)), 0)
