"""Derivatives of the cumulative ops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((3, 4))


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp", "diff"])
def test_along_a_dimension(name: str, dim: int, check: Check) -> None:
    check(lambda x: getattr(lc, name)(x, dim=dim), X)


@pytest.mark.parametrize("dim", [0, 1])
def test_running_extrema(dim: int, check: Check) -> None:
    check(lambda x: lc.cummax(x, dim).values, X)
    check(lambda x: lc.cummin(x, dim).values, X)


def test_running_products_with_zeros(check: Check) -> None:
    x = X.copy()
    x[0, 1] = x[0, 2] = x[2, 3] = x[1, 0] = 0
    check(lambda x: lc.cumprod(x, 1), x)
    check(lambda x: lc.cumprod(x, 0), x)
