from __future__ import annotations

import pytest

import lamella_core as core
from lamella_core.dispatch import ops
from lamella_sparse import sparse_coo_tensor
from lamella_sparse.layer import SPARSE, overwrite


def test_only_sparse_tensors_carry_the_bit() -> None:
    matrix = sparse_coo_tensor([[0]], [1.0])
    assert matrix._key & SPARSE
    assert not matrix.to_dense()._key & SPARSE
    assert not matrix._values()._key & SPARSE


def test_dense_calls_are_resolved_without_the_layer() -> None:
    one = core.ones(2)
    (one + one).tolist()
    plain = ops["add"].table[one._key]
    sparse_coo_tensor([[0]], [1.0], (2,)) * 2
    assert ops["add"].table[one._key] is plain


def test_there_is_no_memory_to_ask_for() -> None:
    matrix = sparse_coo_tensor([[0]], [1.0])
    with pytest.raises(TypeError, match="Use Tensor.to_dense.. first"):
        matrix.numpy()
    with pytest.raises(RuntimeError, match="data pointer"):
        matrix.data_ptr()
    with pytest.raises(NotImplementedError, match="storage"):
        matrix.untyped_storage()
    assert matrix.stride() == (0,)


def test_layouts_do_not_overwrite_one_another() -> None:
    with pytest.raises(RuntimeError, match="add_: a sparse result"):
        overwrite("add_", core.ones(1), sparse_coo_tensor([[0]], [1.0]))


def test_data_and_detach_share_the_values() -> None:
    matrix = sparse_coo_tensor([[0]], [1.0], requires_grad=True)
    matrix.data._values().fill_(5)
    assert matrix.detach().to_dense().tolist() == [5.0]
    assert not matrix.detach().requires_grad
