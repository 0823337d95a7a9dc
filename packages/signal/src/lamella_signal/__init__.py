"""``torch.signal``: signal processing; ``torch.stft`` and ``torch.istft``."""

from __future__ import annotations

from lamella_signal import short_time, top_level, windows

__all__ = ["short_time", "top_level", "windows"]
