"""Sparse constructors named after an element type. The outcomes are PyTorch 2.13's."""

from __future__ import annotations

import lamella_core as core
import lamella_sparse as sparse


def test_from_indices_values_and_size():
    indices, values = core.tensor([[0, 1], [2, 0]]), core.tensor([3.0, 4.0])
    made = sparse.FloatTensor(indices, values, core.Size([2, 3]))
    assert made.to_dense().tolist() == [[0.0, 0.0, 3.0], [4.0, 0.0, 0.0]]
    assert sparse.FloatTensor(indices, values.double()).dtype is core.float64


def test_from_a_size():
    empty = sparse.LongTensor(2, 3)
    assert empty.shape == (2, 3) and empty._nnz() == 0 and empty.dtype is core.int64
    assert sparse.HalfTensor(core.Size([4])).shape == (4,) and sparse.FloatTensor().shape == (0,)


def test_instances():
    eye = core.eye(2).to_sparse()
    assert isinstance(eye, sparse.FloatTensor) and not isinstance(eye, sparse.DoubleTensor)
    assert not isinstance(core.eye(2), sparse.FloatTensor)
