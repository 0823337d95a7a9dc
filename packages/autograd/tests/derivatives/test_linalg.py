"""Derivatives of the products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_core.ops.linalg import linear, rows_product

Check = Callable[..., None]
RNG = np.random.default_rng(1)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (2, 3, 4)),
    ],
)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...], check: Check) -> None:
    check(lc.matmul, floats(*left), floats(*right))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3)])
def test_linear(shape: tuple[int, ...], check: Check) -> None:
    check(linear, floats(*shape), floats(4, 3), floats(4))
    check(linear, floats(*shape), floats(3))
    check(rows_product, floats(*shape), floats(*shape[:-1], 4))


def test_composites(check: Check) -> None:
    check(
        lambda a, b, c: lc.addmm(a, b, c, beta=0.5, alpha=2), floats(4), floats(2, 3), floats(3, 4)
    )
    check(lambda a, b: lc.einsum("aij,akj->aik", a, b), floats(2, 3, 4), floats(2, 5, 4))
    check(lambda a, b: lc.tensordot(a, b, 2), floats(2, 3, 4), floats(3, 4, 2))
    check(lc.kron, floats(2, 2), floats(3))
    check(lambda a, b: lc.cross(a, b, 1), floats(2, 3), floats(2, 3))


def test_complex_products_take_the_conjugate() -> None:
    # For the loss L = Re(a b), PyTorch's gradient of a is conj(b).
    a = lc.tensor([[1 + 2j]], requires_grad=True)
    b = lc.tensor([[3 - 1j]], requires_grad=True)
    (a @ b).real.sum().backward()
    assert a.grad.item() == 3 + 1j
    assert b.grad.item() == 1 - 2j
