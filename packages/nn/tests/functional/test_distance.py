"""Distances and similarities."""

from __future__ import annotations

import math

import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def test_cosine_similarity():
    a, b = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[4.0, 3.0], [1.0, 0.0]])
    assert F.cosine_similarity(a, b).tolist() == pytest.approx([24 / 25, 0.0])
    with pytest.raises(RuntimeError, match="floating point"):
        F.cosine_similarity(torch.tensor([[1]]), torch.tensor([[1]]))


def test_distances():
    a = torch.tensor([[3.0, 4.0]])
    assert F.pairwise_distance(a, torch.zeros(1, 2), eps=0.0).item() == 5.0
    x = torch.tensor([[0.0], [1.0], [3.0]])
    assert F.pdist(x).tolist() == [1.0, 3.0, 2.0]


def test_ties_of_the_largest_difference():
    """PyTorch's: all of the gradient goes to each of them."""
    x = torch.tensor([[1.0, 2.0], [2.0, 3.0]]).requires_grad_()
    (slope,) = autograd.grad(F.pdist(x, math.inf).sum(), x)
    assert slope.tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    a, b = torch.tensor([[1.0, 2.0]]).requires_grad_(), torch.tensor([[2.0, 3.0], [1.0, 2.0]])
    (slope,) = autograd.grad(torch.cdist(a, b, math.inf).sum(), a)
    assert slope.tolist() == [[-1.0, -1.0]]
