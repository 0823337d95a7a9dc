"""Derivatives of eigenvalues and singular values, against central differences.

Vectors enter by way of functions that their free factor leaves alone.
"""

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


def test_eigh(check: Check) -> None:
    def hermitian(re: lc.Tensor, im: lc.Tensor) -> lc.Tensor:
        a = re + 1j * im
        return a + a.mH

    check(lambda a: linalg.eigh(a + a.mT).eigenvalues, floats(2, 3, 3))
    check(lambda a: linalg.eigvalsh(a + a.mT), floats(2, 3, 3))
    check(lambda a: linalg.eigh(a + a.mT).eigenvectors ** 2, floats(2, 3, 3))
    check(lambda *p: linalg.eigh(hermitian(*p)).eigenvectors.abs(), floats(3, 3), floats(3, 3))
    check(lambda *p: linalg.eigvalsh(hermitian(*p)), floats(3, 3), floats(3, 3))


def test_eig(check: Check) -> None:
    a = floats(3, 3)
    check(lambda x: lc.view_as_real(linalg.eig(x).eigenvalues), a)
    check(lambda x: lc.view_as_real(linalg.eigvals(x)), a)
    check(lambda x: linalg.eig(x).eigenvectors.abs(), a)
    check(lambda re, im: linalg.eig(re + 1j * im).eigenvectors.abs(), a, floats(3, 3))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3)])
def test_svd(shape: tuple[int, ...], check: Check) -> None:
    a, b = floats(*shape), floats(*shape)
    check(lambda x: linalg.svd(x).S, a)
    check(linalg.svdvals, a)
    check(lambda x: linalg.svd(x, False).U ** 2, a)
    check(lambda x: linalg.svd(x, False).Vh ** 2, a)
    check(lambda re, im: linalg.svd(re + 1j * im, False).U.abs(), a, b)
    check(lambda re, im: linalg.svd(re + 1j * im, False).Vh.abs(), a, b)

    def middle(re: lc.Tensor, im: lc.Tensor) -> lc.Tensor:
        U, _, Vh = linalg.svd(re + 1j * im, False)
        return lc.view_as_real(U @ Vh)

    check(middle, a, b)


def test_losses_that_depend_on_a_phase() -> None:
    a = lc.tensor([[2.0, 1j], [-1j, 3.0]], dtype=lc.complex128, requires_grad=True)
    with pytest.raises(RuntimeError, match="ill-defined"):
        linalg.eigh(a).eigenvectors.imag.sum().backward()
