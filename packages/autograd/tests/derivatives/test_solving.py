"""Derivatives of inverses, linear systems and least squares, against central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_core import linalg

Check = Callable[..., None]
RNG = np.random.default_rng(1)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def square(*shape: int) -> np.ndarray:
    return floats(*shape) + 3 * np.eye(shape[-1])


def test_inverse(check: Check) -> None:
    check(linalg.inv, square(2, 3, 3))
    check(lambda a: linalg.tensorinv(a, 1), square(4, 4).reshape(4, 2, 2))


@pytest.mark.parametrize("left", [True, False])
def test_solve(left: bool, check: Check) -> None:
    check(lambda a, b: linalg.solve(a, b, left=left), square(3, 3), floats(2, 3, 3))
    check(lambda a, b: linalg.solve(a, b, left=left), square(2, 1, 3, 3), floats(3, 3))
    check(linalg.solve, square(3, 3), floats(3))


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("unitriangular", [True, False])
def test_solve_triangular(upper: bool, left: bool, unitriangular: bool, check: Check) -> None:
    check(
        lambda a, b: linalg.solve_triangular(
            a, b, upper=upper, left=left, unitriangular=unitriangular
        ),
        square(3, 3),
        floats(2, 3, 3),
    )


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_lstsq(shape: tuple[int, int], check: Check) -> None:
    pytest.importorskip("scipy")
    check(lambda a, b: linalg.lstsq(a, b).solution, floats(*shape), floats(shape[0], 2))
    if shape == (4, 3):
        check(
            lambda a, b: linalg.lstsq(a, b, driver="gelsd").residuals,
            floats(*shape),
            floats(shape[0], 2),
        )


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)])
def test_pinv(shape: tuple[int, ...], check: Check) -> None:
    check(linalg.pinv, floats(*shape))


def test_cholesky_factor(check: Check) -> None:
    # PyTorch gives the gradient of the whole of L, so the loss reads L through a triangle.
    check(lambda b, factor: lc.cholesky_solve(b, factor.tril()), floats(3, 2), square(3, 3))
    check(lambda b, factor: lc.cholesky_solve(b, factor.triu(), True), floats(3, 2), square(3, 3))
    check(lambda factor: lc.cholesky_inverse(factor.tril()), square(3, 3))


def test_second_derivative_of_a_solution() -> None:
    # x = b / a: d2x/da2 = 2 b / a^3
    a = lc.tensor([[2.0]], dtype=lc.float64, requires_grad=True)
    x = linalg.solve(a, lc.tensor([3.0], dtype=lc.float64))
    (first,) = autograd.grad(x.sum(), [a], create_graph=True)
    (second,) = autograd.grad(first.sum(), [a])
    assert first.item() == pytest.approx(-0.75)
    assert second.item() == pytest.approx(0.75)


def test_complex_inverse_takes_the_conjugate() -> None:
    # For the loss Re(1 / z), PyTorch's gradient is conj(-1 / z^2).
    z = lc.tensor([[1 + 2j]], dtype=lc.complex128, requires_grad=True)
    linalg.inv(z).real.sum().backward()
    assert z.grad.item() == pytest.approx((-1 / (1 + 2j) ** 2).conjugate())
