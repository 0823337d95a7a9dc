"""Derivatives of determinants, against central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import lamella_core as lc
from lamella_core import linalg

Check = Callable[..., None]
RNG = np.random.default_rng(1)


def test_determinants(check: Check) -> None:
    a = RNG.standard_normal((2, 3, 3))
    check(linalg.det, a)
    check(lambda x: linalg.slogdet(x)[1], a)
    check(lc.logdet, a @ a.swapaxes(-1, -2) + np.eye(3))


def test_singular_matrices_have_a_gradient(check: Check) -> None:
    check(linalg.det, np.outer([1.0, 2.0, 3.0], [1.0, 1.0, 2.0]) + np.diag([0, 0, 1.0]))
    # That of a 2 x 2 matrix is its cofactors.
    a = lc.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    linalg.det(a).backward()
    np.testing.assert_allclose(a.grad.numpy(), [[4, -2], [-2, 1]], rtol=1e-5)


def test_the_sign_of_a_complex_determinant(check: Check) -> None:
    parts = RNG.standard_normal((2, 3, 3))
    check(lambda re, im: linalg.slogdet(re + 1j * im)[0].real, *parts)
    check(lambda re, im: linalg.slogdet(re + 1j * im)[0].imag, *parts)
    check(lambda re, im: linalg.slogdet(re + 1j * im)[1], *parts)
