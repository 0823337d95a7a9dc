"""Padding against numpy.pad, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


@pytest.mark.parametrize(
    ("mode", "numpy_mode"),
    [("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")],
)
def test_modes(mode, numpy_mode):
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    expected = np.pad(x, [(0, 0), (0, 0), (1, 2), (3, 0)], numpy_mode)
    np.testing.assert_array_equal(F.pad(torch.tensor(x), (3, 0, 1, 2), mode).numpy(), expected)


def test_the_gradient_adds_up_copies():
    x = torch.arange(3.0).reshape(1, 3).requires_grad_()
    (grad,) = autograd.grad(F.pad(x, (2, 1), "replicate").sum(), x)
    assert grad.tolist() == [[3.0, 1.0, 2.0]]
    (grad,) = autograd.grad(F.pad(x, (-1, 1)).sum(), x)
    assert grad.tolist() == [[0.0, 1.0, 1.0]]


def test_errors():
    x = torch.zeros(1, 2, 3)
    with pytest.raises(RuntimeError, match="less than the corresponding input dimension"):
        F.pad(x, (3, 0), "reflect")
    with pytest.raises(NotImplementedError, match="Unrecognised padding mode x"):
        F.pad(x, (1, 1), "x")
    with pytest.raises(RuntimeError, match="even"):
        F.pad(x, (1,))
    with pytest.raises(RuntimeError, match="negative output size"):
        F.pad(x, (-2, -2))


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_errors_are_pytorchs(mode):
    x = torch.ones(2, 3, 4)
    with pytest.raises(RuntimeError, match="doesn't take in value argument"):
        F.pad(x, (1, 1), mode, 2.0)
    with pytest.raises(RuntimeError, match="Padding length must be divisible by 2"):
        F.pad(x, (1, 1, 1), mode)
    with pytest.raises(RuntimeError, match="other non-zero dimensions"):
        F.pad(x[:, :0], (1, 1), mode)
    assert F.pad(x[:0], (1, 1), mode).shape == (0, 3, 6)
    with pytest.raises(TypeError, match="must be float, not str"):
        F.pad(x, (1, 1), value="a")
