"""``torch.signal``: signal processing; ``torch.fft``, ``torch.stft`` and ``torch.istft``."""

from __future__ import annotations

from lamella_signal import fft, short_time, top_level, windows

__all__ = ["fft", "short_time", "top_level", "windows"]
