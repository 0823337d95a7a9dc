"""Derivatives of the elementary functions at their edges: PyTorch's sub-gradients."""

from __future__ import annotations

import math

import pytest

import lamella_core as lc
from lamella_autograd import grad


def test_angle_of_nothing():
    y, x = (lc.zeros(1).requires_grad_() for _ in range(2))
    assert [each.tolist() for each in grad(lc.atan2(y, x).sum(), (y, x))] == [[0.0], [0.0]]


def test_product_with_the_logarithm_of_zero():
    """PyTorch's: ``x log 0`` falls without bound, but is 0 around 0."""
    pytest.importorskip("scipy")
    x = lc.tensor([1.0, 0.0]).requires_grad_()
    for product in (lc.xlogy(x, 0.0), lc.special.xlog1py(x, -1.0)):
        (slope,) = grad(product.sum(), x)
        assert slope.tolist() == [-math.inf, 0.0]
