"""Fourier transforms of large arrays, one dimension after the other in the memory of the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import spectral as whole

_COMPLEX = {"f": np.complex64, "F": np.complex64, "d": np.complex128, "D": np.complex128}


def _along(name: str, input: Any, dim: int, norm: str, count: int, out: Any) -> None:
    # A transform over one dimension of ``count`` points.
    inverse = name[0] == "i"
    # NumPy converts single precision to double where it divides by nothing; where it divides, not.
    undivided, divided = ("forward", "backward") if inverse else ("backward", "forward")
    multiplies = norm == undivided and out.dtype.char in "fF"
    getattr(np.fft, name)(input, count, dim, divided if multiplies else norm, out)
    if multiplies:
        out *= count


def fft_c2c(input: Any, dim: tuple[int, ...], norm: str, forward: bool) -> Any:
    if input.size < LARGE or input.dtype.char not in _COMPLEX:
        return whole.fft_c2c(np, input, dim, norm, forward)
    out: Any = np.empty(input.shape, _COMPLEX[input.dtype.char])
    if input.dtype.kind == "f":
        out[...] = input
        input = out
    for each in reversed(dim):
        _along("fft" if forward else "ifft", input, each, norm, out.shape[each], out)
        input = out
    return out


def fft_r2c(input: Any, dim: tuple[int, ...], norm: str, onesided: bool) -> Any:
    if input.size < LARGE or input.dtype.char not in "fd":
        return whole.fft_r2c(np, input, dim, norm, onesided)
    last = dim[-1] % input.ndim
    count = input.shape[last]
    half = count // 2 + 1
    shape = list(input.shape)
    shape[last] = half if onesided else count
    out: Any = np.empty(shape, _COMPLEX[input.dtype.char])
    before = (slice(None),) * last
    _along("rfft", input, last, norm, count, out[(*before, slice(half))])
    if not onesided:
        # The rest are the conjugates of these, from the last to the first.
        mirrored = out[(*before, slice(count - half, 0, -1))]
        np.conjugate(mirrored, out=out[(*before, slice(half, None))])
    for each in reversed(dim[:-1]):
        _along("fft", out, each, norm, shape[each], out)
    return out


def fft_c2r(input: Any, dim: tuple[int, ...], norm: str, last_dim_size: int) -> Any:
    if input.size < LARGE or input.dtype.char not in "FD":
        return whole.fft_c2r(np, input, dim, norm, last_dim_size)
    for each in dim[:-1]:
        between = np.empty(input.shape, input.dtype) if each == dim[0] else input
        _along("ifft", input, each, norm, input.shape[each], between)
        input = between
    shape = list(input.shape)
    shape[dim[-1]] = last_dim_size
    out: Any = np.empty(shape, input.real.dtype)
    _along("irfft", input, dim[-1], norm, last_dim_size, out)
    return out


for _kernel in (fft_c2c, fft_r2c, fft_c2r):
    register_kernel(_kernel.__name__, _kernel, "cpu")
del _kernel
