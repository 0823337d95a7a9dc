"""Derivatives of writing at places: PyTorch's sub-gradients."""

from __future__ import annotations

import math

import pytest

import lamella_core as lc
from lamella_autograd import grad


def test_ties_with_what_was_left_out():
    """PyTorch's: the input shares in the gradient even where ``include_self`` is False."""
    src = lc.tensor([0.0, -1.0]).requires_grad_()
    result = lc.zeros(2).scatter_reduce(0, lc.tensor([0, 0]), src, "amax", include_self=False)
    (slope,) = grad(result.sum(), src)
    assert slope.tolist() == [0.5, 0.0]


def test_no_tie_with_nan():
    src = lc.tensor([math.nan, 1.0]).requires_grad_()
    (slope,) = grad(lc.zeros(1).scatter_reduce(0, lc.tensor([0, 0]), src, "amax").sum(), src)
    assert all(math.isnan(each) for each in slope.tolist())


@pytest.mark.parametrize("alpha", [1, 2.5])
def test_the_factor_of_index_add(alpha: float) -> None:
    x, source = lc.zeros(3, 2).requires_grad_(), lc.ones(4, 2).requires_grad_()
    places = lc.tensor([0, 2, 2, 1])
    seed = lc.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    result = x.index_add(0, places, source, alpha=alpha)
    by_input, by_source = grad(result, (x, source), seed)
    assert by_input.tolist() == seed.tolist()
    assert by_source.tolist() == [[v * alpha for v in seed.tolist()[i]] for i in (0, 2, 2, 1)]
    assert seed.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_the_value_of_index_fill_counts_each_place_once() -> None:
    # With what is negative from the end; by central differences, as many as there are places.
    value = lc.tensor(2.0).requires_grad_()
    result = lc.zeros(3, 4).index_fill(0, lc.tensor([0, 2, -1, 0]), value)
    (slope,) = grad(result.sum(), value)
    assert slope.item() == 8.0
