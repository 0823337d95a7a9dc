"""Derivatives of the reductions: central differences, and PyTorch's sub-gradients."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad

Check = Callable[..., None]
RNG = np.random.default_rng(1)
X = RNG.standard_normal((3, 4))


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "logsumexp"])
def test_over_dimensions(name: str, dim: object, keepdim: bool, check: Check) -> None:
    if dim is None and name not in ("sum", "mean"):
        dim = (0, 1)
    check(lambda x: getattr(lc, name)(x, dim, keepdim), X)


@pytest.mark.parametrize("zeros", [[], [(0, 1)], [(0, 1), (0, 2), (1, 0)]])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_products_with_and_without_zeros(
    zeros: list[tuple[int, int]], dim: int | None, check: Check
) -> None:
    x = X.copy()
    for place in zeros:
        x[place] = 0
    check(lambda x: lc.prod(x, dim), x)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, math.inf, -math.inf])
def test_norms(p: float, check: Check) -> None:
    check(lambda x: lc.norm(x, p, 1), X, tolerance=1e-5)


def test_nuclear_norm(check: Check) -> None:
    check(lambda x: lc.norm(x, "nuc"), X)


def test_equal_extrema_share_the_gradient() -> None:
    x = lc.tensor([1.0, 3.0, 3.0, 2.0], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.5, 0.0]
    x.grad = None
    x.amin().backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_max_along_a_dimension_goes_to_the_index() -> None:
    x = lc.tensor([[1.0, 3.0, 3.0], [5.0, 4.0, 5.0]], requires_grad=True)
    x.max(1).values.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_norm_at_zero() -> None:
    x = lc.zeros(3, requires_grad=True)
    x.norm().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_what_has_no_derivative() -> None:
    x = lc.ones(2, 2, requires_grad=True)
    assert not x.argmax(0).requires_grad
    assert not x.any().requires_grad


def test_second_derivatives() -> None:
    x = lc.tensor([1.0, 2.0, 3.0], dtype=lc.float64, requires_grad=True)
    from lamella_autograd import grad

    (first,) = grad(x.prod(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    assert second.tolist() == pytest.approx([5.0, 4.0, 3.0])


def test_extrema_of_nan():
    """PyTorch's: NaN is the greatest and the least, and shares the gradient with other NaN."""
    x = lc.tensor([math.nan, 1.0, math.nan]).requires_grad_()
    for extremum in (lc.max, lc.min):
        (slope,) = grad(extremum(x), x)
        assert slope.tolist() == [0.5, 0.0, 0.5]
    (slope,) = grad(lc.amax(x), x)
    assert all(math.isnan(each) for each in slope.tolist())


def test_log_of_no_sum_has_no_slope():
    x = lc.tensor([-math.inf, -math.inf]).requires_grad_()
    for total in (lc.logsumexp(x, 0), lc.logcumsumexp(x, 0).sum()):
        (slope,) = grad(total, x)
        assert all(math.isnan(each) for each in slope.tolist())
