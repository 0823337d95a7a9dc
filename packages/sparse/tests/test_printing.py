"""Texts were recorded from PyTorch 2.13."""

from __future__ import annotations

import lamella_core as core
from lamella_sparse import sparse_coo_tensor


def test_matrix() -> None:
    matrix = sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    text = (
        "tensor(indices=tensor([[0, 1, 1],\n"
        "                       [2, 0, 2]]),\n"
        "       values=tensor([3., 4., 5.]),\n"
        "       size=(2, 3), nnz=3, layout=torch.sparse_coo{})"
    )
    assert repr(matrix) == text.format("")
    assert repr(matrix.requires_grad_()) == text.format(", requires_grad=True")


def test_type_that_is_not_the_default() -> None:
    matrix = sparse_coo_tensor([[0, 1]], core.ones(2, 1, dtype=core.float64), (4, 1))
    assert repr(matrix) == (
        "tensor(indices=tensor([[0, 1]]),\n"
        "       values=tensor([[1.],\n"
        "                      [1.]]),\n"
        "       size=(4, 1), nnz=2, dtype=torch.float64, layout=torch.sparse_coo)"
    )


def test_no_elements() -> None:
    assert repr(sparse_coo_tensor((2, 3))) == (
        "tensor(indices=tensor([], size=(2, 0)),\n"
        "       values=tensor([], size=(0,)),\n"
        "       size=(2, 3), nnz=0, layout=torch.sparse_coo)"
    )


def test_long_lines_are_wrapped() -> None:
    vector = sparse_coo_tensor([[4, 5]], core.ones(2, dtype=core.float64), (7,))
    core.set_printoptions(linewidth=40)
    try:
        text = repr(vector.requires_grad_())
    finally:
        core.set_printoptions(profile="default")
    assert text == (
        "tensor(indices=tensor([[4, 5]]),\n"
        "       values=tensor([1., 1.]),\n"
        "       size=(7,), nnz=2,\n"
        "       dtype=torch.float64,\n"
        "       layout=torch.sparse_coo,\n"
        "       requires_grad=True)"
    )
