"""Derivatives of the Fourier transforms: each has the adjoint transform for its derivative."""

from __future__ import annotations

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import is_unseen
from lamella_core.ops.joining import cat
from lamella_core.ops.spectral import OPPOSITE, fft_c2c, fft_r2c
from lamella_core.tensor import Tensor


def _r2c_input(
    grad: Tensor, input_shape: tuple[int, ...], dim: tuple[int, ...], norm: str, onesided: bool
) -> Tensor:
    last = dim[-1]
    missing = list(grad._array.shape)
    missing[last] = input_shape[last] - missing[last]
    if onesided and missing[last]:
        grad = cat([grad, grad.new_zeros(missing)], last)
    return fft_c2c(grad, dim, OPPOSITE[norm], False)


def _c2r_input(grad: Tensor, dim: tuple[int, ...], norm: str, last_dim_size: int) -> Tensor:
    result = fft_r2c(grad, dim, OPPOSITE[norm])
    # Every frequency but 0 and n/2 stands for two of the full spectrum.
    last = dim[-1]
    count = (last_dim_size - 1) // 2
    if not count:
        return result
    if is_unseen():
        result.narrow(last, 1, count).mul_(2)
        return result
    size = result._array.shape[last]
    parts = [result.narrow(last, 0, 1), result.narrow(last, 1, count) * 2]
    if size > count + 1:
        parts.append(result.narrow(last, count + 1, size - count - 1))
    return cat(parts, last)


derivative(
    "fft_c2c",
    input=lambda grad, dim, norm, forward: fft_c2c(grad, dim, OPPOSITE[norm], not forward),
)
derivative("fft_r2c", input=_r2c_input, once=True)
derivative("fft_c2r", input=_c2r_input)
