"""The short-time Fourier transform's derivatives, by finite differences."""

import numpy as np

import lamella as torch

X = np.random.default_rng(1).standard_normal((4, 5))
Y = np.random.default_rng(2).standard_normal((4, 5))


def inputs(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]


def test_of_the_transform() -> None:
    def function(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(x.stft(4, 2, window=w, return_complex=True))

    assert torch.autograd.gradcheck(function, inputs(X, np.random.default_rng(3).random(4)))


def test_of_the_inverse() -> None:
    window = torch.hann_window(6, dtype=torch.float64)

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.istft(torch.complex(x, y), 6, 2, window=window)

    assert torch.autograd.gradcheck(function, inputs(X, Y))
