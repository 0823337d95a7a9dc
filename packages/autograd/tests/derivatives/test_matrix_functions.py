"""Derivatives of powers, exponentials, norms and products, against central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

Check = Callable[..., None]
RNG = np.random.default_rng(1)
INF = float("inf")


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def test_powers_and_exponentials(check: Check) -> None:
    for n in (-2, 1, 3):
        check(lambda a, n=n: linalg.matrix_power(a, n), floats(2, 3, 3) + 3 * np.eye(3))
    check(lc.matrix_exp, floats(2, 3, 3))
    check(lambda re, im: lc.matrix_exp(re + 1j * im).abs(), floats(3, 3), floats(3, 3))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_matrix_norms(ord: float | str, check: Check) -> None:
    check(lambda a: linalg.matrix_norm(a, ord), floats(2, 3, 4))
    check(lambda a: linalg.cond(a, ord), floats(3, 3))


def test_products(check: Check) -> None:
    check(linalg.cross, floats(2, 3), floats(1, 3))
    check(linalg.vecdot, floats(2, 3), floats(3))
    check(linalg.vander, floats(2, 3))


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, INF])
def test_renorm(p: float, check: Check) -> None:
    check(lambda a: lc.renorm(a, min(p, 3), 0, 1.0), floats(3, 4))
