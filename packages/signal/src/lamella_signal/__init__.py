"""``torch.signal``, ``torch.fft``, ``torch.stft``, ``torch.istft``, and functions of samples."""

from __future__ import annotations

from lamella_signal import (
    covariance,
    fft,
    histograms,
    quantiles,
    samples,
    short_time,
    top_level,
    windows,
)

__all__ = [
    "covariance", "fft", "histograms", "quantiles", "samples", "short_time", "top_level", "windows",
]  # fmt: skip
