"""Derivatives of the Fourier transforms: each has the adjoint transform for its derivative."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import is_unseen
from lamella_core.ops.joining import cat
from lamella_core.ops.spectral import OPPOSITE, fft_c2c, fft_c2r, fft_r2c
from lamella_core.tensor import Tensor


def _r2c_input(
    grad: Tensor, input_shape: tuple[int, ...], dim: tuple[int, ...], norm: str, onesided: bool
) -> Tensor:
    if not onesided:
        return fft_c2c(grad, dim, OPPOSITE[norm], False)
    # The real part of the inverse of a spectrum that is 0 beyond the half. The inverse of the
    # half itself takes its frequencies twice, but for 0 and n/2.
    last = dim[-1]
    size = input_shape[last]
    grad = _with_middle(grad.clone() if is_unseen() else grad, last, size, 0.5)
    return fft_c2r(grad, dim, OPPOSITE[norm], size)


def _c2r_input(grad: Tensor, dim: tuple[int, ...], norm: str, last_dim_size: int) -> Tensor:
    # Every frequency but 0 and n/2 stands for two of the full spectrum.
    return _with_middle(fft_r2c(grad, dim, OPPOSITE[norm]), dim[-1], last_dim_size, 2)


def _with_middle(own: Tensor, dim: int, size: int, factor: float) -> Tensor:
    """The half of a spectrum of ``size``, all but the frequencies 0 and ``size / 2`` scaled."""
    count = (size - 1) // 2
    if not count:
        return own
    if is_unseen():
        own.narrow(dim, 1, count).mul_(factor)
        return own
    parts = [own.narrow(dim, 0, 1), own.narrow(dim, 1, count) * factor]
    if own._array.shape[dim] > count + 1:
        parts.append(own.narrow(dim, count + 1, own._array.shape[dim] - count - 1))
    return cat(parts, dim)


derivative(
    "fft_c2c",
    input=lambda grad, dim, norm, forward: fft_c2c(grad, dim, OPPOSITE[norm], not forward),
)
derivative("fft_r2c", input=_r2c_input, once=True)
derivative("fft_c2r", input=_c2r_input)
