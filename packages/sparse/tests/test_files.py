"""Sparse tensors in files and pickles."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse import sparse_coo_tensor
from lamella_sparse.files import rebuild_sparse_tensor

INDICES, VALUES = [[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0]
DENSE = [[0.0, 0.0, 3.0], [4.0, 0.0, 5.0]]


def through_a_file(value: object) -> object:
    file = io.BytesIO()
    core.save(value, file)
    file.seek(0)
    return core.load(file)


@pytest.mark.parametrize("dtype", [core.float32, core.float16, core.int64, core.complex64])
def test_a_file_keeps_it(dtype: core.dtype) -> None:
    matrix = sparse_coo_tensor(INDICES, VALUES, (2, 3), dtype=dtype)
    back = through_a_file({"m": matrix})["m"]
    assert back.is_sparse and back.dtype is dtype and not back.is_coalesced()
    np.testing.assert_array_equal(back.to_dense().numpy(), DENSE)
    assert through_a_file(matrix.coalesce()).is_coalesced()


def test_dense_dimensions_and_no_elements() -> None:
    rows = sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2))
    assert through_a_file(rows).to_dense().tolist() == [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]
    empty = through_a_file(sparse_coo_tensor((2, 3)))
    assert empty.shape == (2, 3) and empty._nnz() == 0


def test_pickle() -> None:
    matrix = sparse_coo_tensor(INDICES, VALUES, (2, 3))
    assert pickle.loads(pickle.dumps(matrix)).to_dense().tolist() == DENSE


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        (core.strided, (), "layout 'strided'"),
        (core.sparse_coo, (1, 2, 3), "something else"),
        (core.sparse_coo, (core.tensor([[5]]), core.ones(1), (2,)), "size is inconsistent"),
        (core.sparse_coo, (core.tensor([[1, 0]]), core.ones(2), (2,), True), "it is not"),
        (core.sparse_coo, (core.tensor([[1, 0]]), core.ones(3), (2,), False), "same nnz"),
    ],
)
def test_what_does_not_fit_is_refused(form: object, data: object, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        rebuild_sparse_tensor(form, data)
