"""Derivatives of the triangular and orthogonal factorizations, against central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg

Check = Callable[..., None]
RNG = np.random.default_rng(1)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper: bool, check: Check) -> None:
    def factor(root: lc.Tensor) -> lc.Tensor:
        return linalg.cholesky(root @ root.mH, upper=upper)

    check(factor, floats(2, 3, 3) + 3 * np.eye(3))

    def complex_factor(re: lc.Tensor, im: lc.Tensor) -> lc.Tensor:
        found = factor(re + 1j * im)
        return lc.view_as_real(found)

    check(complex_factor, floats(3, 3) + 3 * np.eye(3), floats(3, 3))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)])
def test_qr(shape: tuple[int, ...], check: Check) -> None:
    check(lambda a: linalg.qr(a).Q, floats(*shape))
    check(lambda a: linalg.qr(a).R, floats(*shape))
    check(lambda re, im: lc.view_as_real(linalg.qr(re + 1j * im).Q), floats(*shape), floats(*shape))
    check(lambda re, im: lc.view_as_real(linalg.qr(re + 1j * im).R), floats(*shape), floats(*shape))


def test_qr_without_a_gradient() -> None:
    a = lc.ones(3, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="mode='r'"):
        linalg.qr(a, "r").R.sum().backward()
    with pytest.raises(RuntimeError, match="nrows > ncols"):
        linalg.qr(a, "complete").R.sum().backward()


def test_reflections(check: Check) -> None:
    check(lc.orgqr, floats(2, 4, 3), floats(2, 3))
    check(lc.ormqr, floats(4, 3), floats(3), floats(4, 2))
    check(lambda a, t, b: lc.ormqr(a, t, b, False, True), floats(4, 3), floats(3), floats(2, 4))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)])
def test_lu(shape: tuple[int, ...], check: Check) -> None:
    pytest.importorskip("scipy")
    check(lambda a: linalg.lu_factor(a).LU, floats(*shape))
    check(lambda a: linalg.lu(a).L, floats(*shape))
    check(lambda a: linalg.lu(a).U, floats(*shape))


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("adjoint", [False, True])
def test_lu_solve(left: bool, adjoint: bool, check: Check) -> None:
    pytest.importorskip("scipy")

    def solution(a: lc.Tensor, b: lc.Tensor) -> lc.Tensor:
        return linalg.lu_solve(*linalg.lu_factor(a), b, left=left, adjoint=adjoint)

    check(solution, floats(2, 3, 3) + 2 * np.eye(3), floats(3, 3))
