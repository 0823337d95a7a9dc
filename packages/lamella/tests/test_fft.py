"""Derivatives of the functions of ``torch.fft``, by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import lamella as torch
from lamella import fft

RNG = np.random.default_rng(1)
X = RNG.standard_normal((4, 5))
Y = RNG.standard_normal((4, 5))
NORMS = pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.copy()).requires_grad_()


@NORMS
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "ihfft"])
def test_of_real_inputs(name: str, norm: str) -> None:
    for n in (None, 4, 7):
        assert torch.autograd.gradcheck(
            lambda x: torch.view_as_real(getattr(fft, name)(x, n, 1, norm)),  # noqa: B023
            leaf(X),
        )


@NORMS
@pytest.mark.parametrize("name", ["fft2", "ifft2", "irfft2", "hfft2"])
def test_of_complex_inputs(name: str, norm: str) -> None:
    assert torch.autograd.gradcheck(lambda x: getattr(fft, name)(x, norm=norm), leaf(X + 1j * Y))


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_of_real_results(n: int) -> None:
    for name in ("irfft", "hfft"):
        function = getattr(fft, name)
        assert torch.autograd.gradcheck(lambda x: function(x, n), leaf(X + 1j * Y))  # noqa: B023


def test_second_derivatives() -> None:
    for name in ("fft", "irfft"):
        function = getattr(fft, name)
        assert torch.autograd.gradgradcheck(lambda x: function(x) ** 2, leaf(X + 1j * Y))  # noqa: B023
    assert torch.autograd.gradgradcheck(lambda x: fft.rfft(x) ** 2, leaf(X))


def test_over_a_batch() -> None:
    x = torch.from_numpy(X)
    got = torch.vmap(lambda row: fft.rfft(row, dim=0).abs())(x)
    np.testing.assert_allclose(got.numpy(), np.abs(np.fft.rfft(X)))
