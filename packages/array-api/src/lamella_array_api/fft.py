"""The standard's extension for Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_array_api.adapting import named
from lamella_signal import fft as own
from lamella_signal.fft import fft, hfft, ifft, ihfft, irfft, rfft

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip


def _of_axes(name: str) -> Any:
    function = getattr(own, name)

    def apply(x: Tensor, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Tensor:
        return function(x, s, axes, norm)

    return named(apply, name, function.__doc__)


def _frequencies(name: str) -> Any:
    function = getattr(own, name)

    def apply(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
        return function(n, d, dtype=dtype, device=device)

    return named(apply, name, function.__doc__)


def _shift(name: str) -> Any:
    function = getattr(own, name)

    def apply(x: Tensor, /, *, axes: Any = None) -> Tensor:
        return function(x, axes)

    return named(apply, name, function.__doc__)


fftn, ifftn, rfftn, irfftn = map(_of_axes, ("fftn", "ifftn", "rfftn", "irfftn"))
fftfreq, rfftfreq = _frequencies("fftfreq"), _frequencies("rfftfreq")
fftshift, ifftshift = _shift("fftshift"), _shift("ifftshift")
