from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse import sparse_coo_tensor

INDICES = [[0, 1, 1, 0], [2, 0, 2, 2]]
VALUES = [3.0, 4.0, -5.0, 0.5]
DENSE = [[0.0, 0.0, 3.5], [4.0, 0.0, -5.0]]


def test_there_and_back() -> None:
    matrix = sparse_coo_tensor(INDICES, VALUES, (2, 3))
    assert matrix.is_sparse
    assert matrix.layout is core.sparse_coo
    assert not matrix.is_coalesced()
    assert matrix._nnz() == 4
    np.testing.assert_array_equal(matrix.to_dense().numpy(), DENSE)
    whole = matrix.coalesce()
    assert whole.indices().tolist() == [[0, 1, 1], [2, 0, 2]]
    assert whole.values().tolist() == [3.5, 4.0, -5.0]
    again = whole.to_dense().to_sparse()
    assert again.is_coalesced()
    assert again.indices().tolist() == whole.indices().tolist()


@pytest.mark.parametrize("sparse_dim", [0, 1, 2, 3])
def test_dense_dimensions(sparse_dim: int) -> None:
    array = np.random.default_rng(0).integers(0, 2, (3, 4, 2)).astype(np.float32)
    matrix = core.tensor(array).to_sparse(sparse_dim)
    assert (matrix.sparse_dim(), matrix.dense_dim()) == (sparse_dim, 3 - sparse_dim)
    np.testing.assert_array_equal(matrix.to_dense().numpy(), array)


def test_size_is_the_least_that_holds_all() -> None:
    assert sparse_coo_tensor([[4, 1]], core.ones(2, 3)).shape == (5, 3)


def test_nothing_at_all() -> None:
    empty = sparse_coo_tensor((2, 3))
    assert empty._nnz() == 0
    assert empty.to_dense().tolist() == [[0, 0, 0], [0, 0, 0]]
    assert empty.coalesce().values().shape == (0,)


def test_mask() -> None:
    mask = sparse_coo_tensor(INDICES, VALUES, (2, 3)).coalesce()
    taken = core.arange(6.0).reshape(2, 3).sparse_mask(mask)
    assert taken.values().tolist() == [2.0, 3.0, 5.0]
    other = sparse_coo_tensor([[1], [2]], [7.0], (2, 3))
    assert other.sparse_mask(mask).values().tolist() == [0.0, 0.0, 7.0]


def test_pickle_and_copies() -> None:
    matrix = sparse_coo_tensor(INDICES, VALUES, (2, 3), requires_grad=True)
    copied = copy.deepcopy(matrix)
    assert copied.requires_grad
    copied._values().zero_()
    np.testing.assert_array_equal(matrix.detach().to_dense().numpy(), DENSE)
    loaded = pickle.loads(pickle.dumps(matrix.detach()))
    np.testing.assert_array_equal(loaded.to_dense().numpy(), DENSE)


def test_a_dense_tensor_is_no_sparse_one() -> None:
    dense = core.ones(2)
    assert dense.to_dense() is dense
    assert (dense.sparse_dim(), dense.dense_dim()) == (0, 1)
    with pytest.raises(RuntimeError, match="got Strided"):
        dense.coalesce()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([[0, 1]], [1.0, 2.0, 3.0], (3,)), "same nnz"),
        (([[0, 1]], [1.0, 2.0], (3, 3)), "len.size. = 2"),
        (([[0, 1]], [[1.0], [2.0]], (3, 3)), "incorrect size"),
        (([0, 1], [1.0, 2.0], (3,)), "sparse_dim x nnz"),
        (([[0, 3]], [1.0, 2.0], (3,)), "found index 3"),
    ],
)
def test_bad_arguments(arguments, text) -> None:
    with pytest.raises(RuntimeError, match=text):
        sparse_coo_tensor(*arguments)


def test_compressed_layouts_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="sparse_csr"):
        core.ones(2, 2).to_sparse(layout=core.sparse_csr)
