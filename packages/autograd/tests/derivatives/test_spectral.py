"""Derivatives of the Fourier transforms that have kernels.

Those of the functions of ``torch.fft`` are among the tests of ``lamella``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_core.ops.spectral import fft_c2c, fft_c2r, fft_r2c

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((4, 5))
Y = np.random.default_rng(2).standard_normal((4, 5))

NORMS = pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])


def parts(x: lc.Tensor) -> lc.Tensor:
    return lc.stack([x.real, x.imag])


@NORMS
@pytest.mark.parametrize("dim", [(0,), (1,), (0, 1), (1, 0)])
def test_of_real_inputs(dim: tuple[int, ...], norm: str, check: Check) -> None:
    check(lambda x: parts(fft_r2c(x, dim, norm)), X)
    if len(dim) == 1:
        check(lambda x: parts(fft_r2c(x, dim, norm, False)), X)


@NORMS
@pytest.mark.parametrize("forward", [True, False])
def test_of_complex_inputs(forward: bool, norm: str, check: Check) -> None:
    check(lambda x, y: parts(fft_c2c(lc.complex(x, y), (1, 0), norm, forward)), X, Y)


@NORMS
@pytest.mark.parametrize("size", [8, 9])
def test_of_real_results(size: int, norm: str, check: Check) -> None:
    check(lambda x, y: fft_c2r(lc.complex(x, y), (0, 1), norm, size), X, Y)


@pytest.mark.parametrize("size", [1, 2])
def test_of_short_real_results(size: int, check: Check) -> None:
    half = size // 2 + 1
    check(lambda x, y: fft_c2r(lc.complex(x, y), (1,), "backward", size), X[:, :half], Y[:, :half])


def test_second_derivative() -> None:
    x = lc.from_numpy(X.copy()).requires_grad_()
    energy = (fft_r2c(x, (1,), "backward").abs() ** 2).sum()
    (first,) = autograd.grad(energy, x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    # By Parseval's theorem the full spectrum's energy is 5 sum x^2; the half counts every
    # frequency but 0 once, not twice, so it is (5 x_j^2 + X_0^2) / 2 a row.
    np.testing.assert_allclose(first.detach().numpy(), 5 * X + X.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(second.numpy(), np.full_like(X, 10.0), atol=1e-12)
