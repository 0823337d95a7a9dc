"""Look-ups and one-hot vectors."""

from __future__ import annotations

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
    with pytest.raises(NotImplementedError, match="sparse"):
        F.embedding(torch.tensor([1]), w, sparse=True)
