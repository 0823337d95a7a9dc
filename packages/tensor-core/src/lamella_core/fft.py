"""``torch.fft``: discrete Fourier transforms."""

from __future__ import annotations

from lamella_core.ops.spectral import *  # noqa: F403
from lamella_core.ops.spectral import __all__ as __all__
