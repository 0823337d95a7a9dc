"""Derivatives of the statistics."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((3, 4))


@pytest.mark.parametrize("dim", [None, 0, (0, 1)])
@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("name", ["var", "std"])
def test_variance(name: str, dim: object, correction: int, check: Check) -> None:
    check(lambda x: getattr(lc, name)(x, dim, correction=correction), X)


def test_order_statistics(check: Check) -> None:
    check(lambda x: lc.median(x, 1).values, X)
    check(lambda x: lc.kthvalue(x, 3, 0).values, X)


def test_the_standard_deviation_of_equal_numbers() -> None:
    x = lc.ones(3, requires_grad=True)
    x.std().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_median_of_all_shares_the_gradient() -> None:
    x = lc.tensor([2.0, 2.0, 1.0, 5.0], requires_grad=True)
    x.median().backward()
    assert x.grad.tolist() == [0.5, 0.5, 0.0, 0.0]


def test_variance_without_degrees_of_freedom():
    """PyTorch's: over all elements inf, along a dimension what the formula gives."""
    x = lc.tensor([1.0, 2.0, 6.0], dtype=lc.float64).requires_grad_()
    (slope,) = grad(lc.var(x, correction=5), x)
    assert slope.tolist() == [math.inf] * 3
    (slope,) = grad(lc.var(x, 0, correction=5), x)
    assert slope.tolist() == [2.0, 1.0, -3.0]
