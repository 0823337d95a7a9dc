"""Derivatives of the Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc
from lamella_core import fft

Check = Callable[..., None]
X = np.random.default_rng(1).standard_normal((4, 5))
Y = np.random.default_rng(2).standard_normal((4, 5))


def parts(x: lc.Tensor) -> lc.Tensor:
    return lc.stack([x.real, x.imag])


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "ihfft"])
def test_of_real_inputs(name: str, norm: str, check: Check) -> None:
    for n in (None, 4, 7):
        check(lambda x: parts(getattr(fft, name)(x, n, 1, norm)), X)  # noqa: B023


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft2", "ifft2", "irfft2", "hfft2"])
def test_of_complex_inputs(name: str, norm: str, check: Check) -> None:
    def function(x: lc.Tensor, y: lc.Tensor) -> lc.Tensor:
        result = getattr(fft, name)(lc.complex(x, y), norm=norm)
        return parts(result) if result.is_complex() else result

    check(function, X, Y)


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_of_real_results(n: int, check: Check) -> None:
    check(lambda x, y: fft.irfft(lc.complex(x, y), n), X, Y)
    check(lambda x, y: fft.hfft(lc.complex(x, y), n), X, Y)


def test_second_derivative() -> None:
    x = lc.from_numpy(X.copy()).requires_grad_()
    energy = (fft.rfft(x).abs() ** 2).sum()
    (first,) = autograd.grad(energy, x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    # By Parseval's theorem the full spectrum's energy is 5 sum x^2; the half counts every
    # frequency but 0 once, not twice, so it is (5 x_j^2 + X_0^2) / 2 a row.
    np.testing.assert_allclose(first.detach().numpy(), 5 * X + X.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(second.numpy(), np.full_like(X, 10.0), atol=1e-12)
