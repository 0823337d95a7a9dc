"""The standard's extension for Fourier transforms."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from lamella_core import fft as own

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.device import Device
    from lamella_core.dtype import dtype as DType
    from lamella_core.tensor import Tensor

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip


def _of_axis(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @wraps(function)
    def apply(
        x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward"
    ) -> Tensor:
        return function(x, n, axis, norm)

    return apply


def _of_axes(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @wraps(function)
    def apply(x: Tensor, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Tensor:
        return function(x, s, axes, norm)

    return apply


fft, ifft, rfft, irfft = map(_of_axis, (own.fft, own.ifft, own.rfft, own.irfft))
hfft, ihfft = map(_of_axis, (own.hfft, own.ihfft))
fftn, ifftn, rfftn, irfftn = map(_of_axes, (own.fftn, own.ifftn, own.rfftn, own.irfftn))


def fftfreq(
    n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | None = None
) -> Tensor:
    """The frequencies of :func:`fft`, for samples ``d`` apart."""
    return own.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(
    n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Device | None = None
) -> Tensor:
    """The frequencies of :func:`rfft`, for samples ``d`` apart."""
    return own.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """The frequency 0 moved to the middle of axes, all of them when None."""
    return own.fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """:func:`fftshift` undone."""
    return own.ifftshift(x, axes)
