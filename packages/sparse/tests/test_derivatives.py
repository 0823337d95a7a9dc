"""Derivatives against finite differences, first and second order."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_autograd import gradcheck, gradgradcheck
from lamella_sparse import mm, softmax, sparse_coo_tensor, sum

INDICES = [[0, 1, 1, 0], [2, 0, 2, 2]]


def matrix(values: core.Tensor) -> core.Tensor:
    return sparse_coo_tensor(INDICES, values, (2, 3))


FUNCTIONS = {
    "to_dense": lambda values, dense: matrix(values).to_dense(),
    "values": lambda values, dense: matrix(values).coalesce().values(),
    "mm": lambda values, dense: mm(matrix(values), dense),
    "sum": lambda values, dense: sum(matrix(values), 0).to_dense(),
    "softmax": lambda values, dense: softmax(matrix(values), 1).to_dense(),
    "scaled": lambda values, dense: (matrix(values) * 3).to_dense() * dense.sum(),
    "added": lambda values, dense: dense.t() + matrix(values),
    "mask": lambda values, dense: dense.t().sparse_mask(matrix(values.detach())).to_dense(),
    "to_sparse": lambda values, dense: dense.to_sparse().values() * values.sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name: str) -> None:
    values = core.tensor([3.0, 4.0, -5.0, 0.5], dtype=core.float64, requires_grad=True)
    dense = core.arange(1.0, 7.0, dtype=core.float64).reshape(3, 2).requires_grad_()
    inputs = (values, dense)
    assert gradcheck(FUNCTIONS[name], inputs)
    if name != "added":
        assert gradgradcheck(FUNCTIONS[name], inputs)


def test_gradient_of_a_sparse_leaf_is_sparse() -> None:
    leaf = sparse_coo_tensor(INDICES, [3.0, 4.0, -5.0, 0.5], (2, 3)).coalesce().requires_grad_()
    (leaf.to_dense() * core.arange(6.0).reshape(2, 3)).sum().backward()
    assert leaf.grad.is_sparse
    assert leaf.grad.coalesce().values().tolist() == [2.0, 3.0, 5.0]


def test_gradients_of_both_layouts_add_up() -> None:
    weight = core.ones(2, 3, requires_grad=True)
    sparse = matrix(core.tensor([1.0, 2.0, 3.0, 4.0]))
    weight.backward(sparse)
    assert weight.grad.is_sparse
    weight.backward(sparse)
    assert weight.grad.to_dense().tolist() == [[0.0, 0.0, 10.0], [4.0, 0.0, 6.0]]
    weight.backward(core.ones(2, 3))
    assert weight.grad.tolist() == [[1.0, 1.0, 11.0], [5.0, 1.0, 7.0]]
    weight.backward(sparse)
    assert weight.grad.tolist() == [[1.0, 1.0, 16.0], [7.0, 1.0, 10.0]]
