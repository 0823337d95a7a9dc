"""``torch.signal``, ``torch.fft``, ``torch.stft`` and ``torch.istft``, and calculus of samples."""

from __future__ import annotations

from lamella_signal import fft, samples, short_time, top_level, windows

__all__ = ["fft", "samples", "short_time", "top_level", "windows"]
