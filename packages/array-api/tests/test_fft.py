"""Fourier transforms against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Agree = Callable[..., None]
Sample = Callable[..., np.ndarray]


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_along_an_axis(agree: Agree, sample: Sample, dtype: str, norm: str) -> None:
    x = sample(dtype, 4, 6)
    names = ("fft", "ifft", "irfft", "hfft") if dtype == "complex128" else ("rfft", "ihfft")
    for name in names:
        for n, axis in ((None, -1), (None, 0), (5, 1), (8, 0)):
            agree(lambda xp, a, f=name, n=n, axis=axis: getattr(xp.fft, f)(
                a(x), n=n, axis=axis, norm=norm))  # fmt: skip


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_along_axes(agree: Agree, sample: Sample, dtype: str, norm: str) -> None:
    x = sample(dtype, 3, 4, 6)
    names = ("fftn", "ifftn", "irfftn") if dtype == "complex128" else ("rfftn",)
    for name in names:
        for s, axes in ((None, None), (None, (0, 1)), ((4, 5), (1, 2))):
            agree(lambda xp, a, f=name, s=s, axes=axes: getattr(xp.fft, f)(
                a(x), s=s, axes=axes, norm=norm))  # fmt: skip


def test_frequencies(agree: Agree, sample: Sample) -> None:
    for n in (1, 4, 5):
        agree(lambda xp, _, n=n: xp.fft.fftfreq(n, d=0.5), exact_dtype=False)
        agree(lambda xp, _, n=n: xp.fft.rfftfreq(n, d=0.5), exact_dtype=False)
    x = sample("float32", 4, 5)
    for axes in (None, 0, (0, 1)):
        agree(lambda xp, a, axes=axes: xp.fft.fftshift(a(x), axes=axes))
        agree(lambda xp, a, axes=axes: xp.fft.ifftshift(a(x), axes=axes))
