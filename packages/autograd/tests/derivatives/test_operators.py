"""Derivatives of the operators at their edges: PyTorch's sub-gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad


def test_a_power_has_as_many_derivatives_as_its_exponent() -> None:
    """Those of x ** 4 at 2; after the constant comes PyTorch's: a zero that requires no grad."""
    x = lc.tensor([2.0], dtype=lc.float64).requires_grad_()
    y, found = x**4, []
    while y.requires_grad:
        (y,) = grad(y.sum(), x, create_graph=True)
        found.append(y.item())
    assert found == [32.0, 48.0, 48.0, 24.0, 0.0]


def test_ldexp_by_integers() -> None:
    x = lc.tensor([1.0, 2.0]).requires_grad_()
    lc.ldexp(x, lc.tensor([[3, -4], [1, 0]])).sum().backward()
    assert x.grad.tolist() == [10.0, 1.0625]


def test_power_to_the_exponent_zero():
    """PyTorch's: the slope by the base is 0 for good, also of a negative base."""
    base = lc.tensor([-2.0, 0.0], dtype=lc.float64).requires_grad_()
    exponent = lc.zeros(2, dtype=lc.float64).requires_grad_()
    (slope,) = grad((base**exponent).sum(), base, create_graph=True)
    assert slope.tolist() == [0.0, 0.0]
    (bend,) = grad(slope.sum(), base)
    assert bend[0].item() == 0.0


def test_a_number_to_a_power() -> None:
    """``b ** x`` has the slope ``log(b) b ** x``; of base 0 it is 0, as in PyTorch."""
    for base, exponents in ((2.0, [-1.0, 0.0, 3.0]), (0.5, [2.0]), (2.0, [1 + 2j])):
        x = lc.tensor(exponents, dtype=None if base == 2.0 else lc.float64).requires_grad_()
        (slope,) = grad((base**x).abs().sum() if x.is_complex() else (base**x).sum(), x)
        expected = [math.log(base) * abs(base**e) for e in exponents]
        assert slope.tolist() == pytest.approx(expected, rel=1e-5)
    x = lc.tensor([0.0, 2.0]).requires_grad_()
    assert grad((0.0**x).sum(), x)[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(300, 500), (500,)])
def test_large_complex_products(shape: tuple[int, ...]) -> None:
    """``dL/da = g conj(b)``, made in the conjugate where that has the gradient's shape."""
    rng = np.random.default_rng(0)
    a, b, seed = (
        rng.standard_normal(s) + 1j * rng.standard_normal(s)
        for s in ((300, 500), shape, (300, 500))
    )
    left, right = lc.tensor(a).requires_grad_(), lc.tensor(b).requires_grad_()
    by_left, by_right = grad(left * right, (left, right), lc.tensor(seed))
    np.testing.assert_allclose(by_left.numpy(), seed * b.conj())
    expected = seed * a.conj()
    np.testing.assert_allclose(by_right.numpy(), expected if right.ndim == 2 else expected.sum(0))
    np.testing.assert_array_equal(left.detach().numpy(), a)
