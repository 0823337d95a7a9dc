"""Derivatives against finite differences, first and second order."""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_autograd import Function, GradcheckError, gradcheck, gradgradcheck
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


def sparse_leaf() -> core.Tensor:
    places = core.tensor([[0, 1, 1], [2, 0, 2]])
    values = core.tensor([3.0, 4.0, 5.0], dtype=core.float64)
    return sparse_coo_tensor(places, values, (2, 3)).coalesce().requires_grad_()


@pytest.mark.parametrize("fast_mode", [True, False])
def test_gradcheck_moves_what_a_sparse_input_specifies(fast_mode: bool) -> None:
    dense = core.randn(3, 2, dtype=core.float64, requires_grad=True)
    inputs = (sparse_leaf(), dense)
    assert gradcheck(mm, inputs, masked=True, fast_mode=fast_mode)
    assert gradcheck(lambda x: (x * x).to_dense(), sparse_leaf(), fast_mode=fast_mode)

    class TripledGradient(Function):
        @staticmethod
        def forward(ctx, x):
            return x.to_dense()

        @staticmethod
        def backward(ctx, g):
            return g * 3

    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(TripledGradient.apply, sparse_leaf(), masked=True, fast_mode=fast_mode)


def test_gradcheck_and_layouts() -> None:
    with pytest.raises(ValueError, match="Sparse output is not supported"):
        gradcheck(lambda x: x * 2, sparse_leaf())
    with pytest.raises(GradcheckError, match="incorrect layout"):
        gradcheck(lambda x: core.ones(2, 3, dtype=core.float64) * SparseGradient.apply(x), leaf())
    places = core.tensor([[0, 0], [2, 2]])
    twice = sparse_coo_tensor(places, core.ones(2, dtype=core.float64), (2, 3)).requires_grad_()
    with pytest.raises(ValueError, match="not coalesced"):
        gradcheck(lambda x: x.to_dense(), twice)


class SparseGradient(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g.to_sparse()


def leaf() -> core.Tensor:
    return core.ones(2, 3, dtype=core.float64, requires_grad=True)
