"""Derivatives of the special functions at their edges."""

from __future__ import annotations

import math

import pytest

import lamella_core as lc
from lamella_autograd import grad


def test_bessel_slopes_of_nan_and_next_to_zero():
    """PyTorch's: 1/2 wherever the size does not exceed the type's epsilon."""
    pytest.importorskip("scipy")
    x = lc.tensor([math.nan, 0.0, 1e-20], dtype=lc.float64).requires_grad_()
    for function in (lc.special.i1, lc.special.i1e):
        (slope,) = grad(function(x).sum(), x, create_graph=True)
        assert slope.tolist() == [0.5, 0.5, 0.5]
        (bend,) = grad(slope.sum(), x)
        assert bend.tolist() == [0.0, 0.0, 0.0]


def test_second_derivative_of_the_normal_logarithm_far_out():
    """It tends to 0 and to -1: ``log_ndtr(x)`` is near 0 and near ``-x^2 / 2``."""
    pytest.importorskip("scipy")
    x = lc.tensor([100.0, -100.0], dtype=lc.float64).requires_grad_()
    (slope,) = grad(lc.special.log_ndtr(x).sum(), x, create_graph=True)
    (bend,) = grad(slope.sum(), x)
    assert bend.tolist() == pytest.approx([0.0, -1.0], abs=1e-3)
