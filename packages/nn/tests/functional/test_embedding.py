"""Look-ups and one-hot vectors."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def test_rows_and_their_gradient():
    w = torch.arange(6.0).reshape(3, 2).requires_grad_()
    result = F.embedding(torch.tensor([[2, 0], [2, 1]]), w, padding_idx=1)
    assert result[0].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    (grad,) = autograd.grad(result.sum(), w)
    assert grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


def test_max_norm_shortens_rows_in_place():
    w = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    F.embedding(torch.tensor([0, 1]), w, max_norm=1.0)
    assert w[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert w[1].tolist() == pytest.approx([0.3, 0.4])


def test_one_hot():
    assert F.one_hot(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert F.one_hot(torch.tensor([1]), 4).shape == (1, 4)


def test_errors():
    w = torch.zeros(3, 2)
    with pytest.raises(IndexError, match="index out of range in self"):
        F.embedding(torch.tensor([3]), w)
    with pytest.raises(RuntimeError, match="scalar types: Long, Int"):
        F.embedding(torch.tensor([1.0]), w)
    with pytest.raises(RuntimeError, match="smaller than num_classes"):
        F.one_hot(torch.tensor([3]), 3)


def test_sparse_gradients_name_the_extra_that_brings_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "lamella_sparse", None)
    w = torch.zeros(3, 2)
    with pytest.raises(ModuleNotFoundError, match=r"lamella-nn\[sparse\]"):
        F.embedding(torch.tensor([1]), w, sparse=True)
    with pytest.raises(ModuleNotFoundError, match=r"lamella-nn\[sparse\]"):
        F.embedding_bag(torch.tensor([[1]]), w, sparse=True)


INDICES = torch.tensor([1, 4, 1, 0, 5, 5, 2])
OFFSETS = torch.tensor([0, 0, 3, 4])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, -5])
def test_gradients_of_bags(mode, padding_idx):
    torch.manual_seed(0)
    weight = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    factors = torch.randn(7, dtype=torch.float64, requires_grad=True) if mode == "sum" else None

    def bags(weight, factors):
        return F.embedding_bag(
            INDICES, weight, OFFSETS, mode=mode, per_sample_weights=factors, padding_idx=padding_idx
        )

    assert autograd.gradcheck(bags, (weight, factors))
    assert autograd.gradgradcheck(bags, (weight, factors))


def test_gradients_of_bags_of_one_length_by_frequency():
    weight = torch.zeros(4, 2, requires_grad=True)
    F.embedding_bag(
        torch.tensor([[1, 1], [0, 1]]), weight, scale_grad_by_freq=True
    ).sum().backward()
    # Row 1 is looked up three times: (1/2 + 1/2 + 1/2) / 3.
    assert weight.grad.tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]


def test_an_unused_end_has_no_gradient():
    factors = torch.ones(4, requires_grad=True)
    weight = torch.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    result = F.embedding_bag(
        torch.tensor([2, 0, 1, 1]), weight, torch.tensor([0, 2, 3]), mode="sum",
        per_sample_weights=factors, include_last_offset=True,
    )  # fmt: skip
    assert result.tolist() == [[4.0], [2.0]]
    result.sum().backward()
    assert factors.grad.tolist() == [3.0, 1.0, 2.0, 0.0]
    assert weight.grad.tolist() == [[1.0], [1.0], [1.0]]


def test_max_norm_of_bags():
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4], [3.0, 4.0]])
    F.embedding_bag(torch.tensor([[0, 1]]), weight, max_norm=1.0)
    assert weight[0].tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert weight[2].tolist() == [3.0, 4.0]


BAD_BAGS = [
    (ValueError, "mode has to be one of", {"mode": "median"}),
    (ValueError, "1D Tensor but got None", {"offsets": None}),
    (ValueError, "dimension 2", {"offsets": torch.tensor([[0]])}),
    (ValueError, "1D or 2D Tensor, but got Tensor of dimension 0", {"input": torch.tensor(1)}),
    (ValueError, "offsets has to be None", {"input": torch.tensor([[1]])}),
    (ValueError, "dimension 1", {"weight": torch.zeros(3)}),
    (ValueError, "max mode", {"mode": "max", "scale_grad_by_freq": True}),
    (ValueError, r"\[2\].*the input \(\[3\]\)", {"per_sample_weights": torch.ones(2)}),
    (NotImplementedError, "mode='mean'", {"per_sample_weights": torch.ones(3)}),
    (ValueError, "max mode does not support sparse", {"mode": "max", "sparse": True}),
    (RuntimeError, "scalar types: Long, Int", {"input": torch.ones(3)}),
    (RuntimeError, "Half, BFloat16", {"weight": torch.ones(3, 2).long()}),
    (RuntimeError, "-4 through 3, but got 4", {"padding_idx": 4}),
    (RuntimeError, "at least 1", {"offsets": torch.tensor([]).long(), "include_last_offset": True}),
    (
        RuntimeError,
        "DoubleTensor",
        {"mode": "sum", "per_sample_weights": torch.ones(3, dtype=torch.float64)},
    ),
]


@pytest.mark.parametrize(("kind", "text", "wrong"), BAD_BAGS)
def test_errors_of_bags(kind, text, wrong):
    right = {
        "input": torch.tensor([1, 2, 3]),
        "weight": torch.zeros(4, 2),
        "offsets": torch.tensor([0, 1]),
    }
    with pytest.raises(kind, match=text):
        F.embedding_bag(**(right | wrong))


def test_gradients_of_many_weights_of_bags_are_made_of_parts():
    # The gradient of each weight is the row that it multiplies, times the bag's gradient.
    torch.manual_seed(0)
    weight, seed = torch.randn(50, 400), torch.randn(300, 400)
    indices = torch.randint(0, 50, (300, 4))
    factors = torch.randn(300, 4, requires_grad=True)
    result = F.embedding_bag(indices, weight, mode="sum", per_sample_weights=factors)
    (slopes,) = autograd.grad(result, factors, seed)
    expected = np.einsum("bij,bj->bi", weight.numpy()[indices.numpy()], seed.numpy())
    np.testing.assert_allclose(slopes.numpy(), expected, rtol=1e-4, atol=1e-4)
