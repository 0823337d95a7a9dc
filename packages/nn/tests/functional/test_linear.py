"""Linear and bilinear maps, and distances."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def test_linear():
    x, w = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]])
    assert F.linear(x, w, torch.tensor([1.0, 0.0])).tolist() == [[12.0, 17.0]]


def test_bilinear():
    rng = np.random.default_rng(0)
    a, b, w = rng.random((2, 3, 4)), rng.random((2, 3, 5)), rng.random((6, 4, 5))
    expected = np.einsum("bni,oij,bnj->bno", a, w, b)
    result = F.bilinear(torch.tensor(a), torch.tensor(b), torch.tensor(w))
    np.testing.assert_allclose(result.numpy(), expected)


def test_gradients_of_bilinear():
    given = [torch.randn(*s, dtype=torch.float64) for s in ((3, 2), (3, 4), (5, 2, 4), (5,))]
    leaves = tuple(each.requires_grad_() for each in given)
    assert autograd.gradcheck(F.bilinear, leaves)
    assert autograd.gradgradcheck(F.bilinear, leaves)


def test_bilinear_of_several_types():
    ones = torch.ones(2, 3), torch.ones(2, 5), torch.ones(6, 3, 5)
    with pytest.raises(RuntimeError, match="the same dtype, but got Float, Double, Float"):
        F.bilinear(ones[0], ones[1].double(), ones[2])
    with pytest.raises(NotImplementedError, match="'Bool'"):
        F.bilinear(*[each.bool() for each in ones])


def test_bilinear_sizes():
    with pytest.raises(RuntimeError, match="input1 size does not match weight size: got 3"):
        F.bilinear(torch.zeros(2, 3), torch.zeros(2, 5), torch.zeros(6, 4, 5))
