"""``torch.signal``: signal processing."""

from __future__ import annotations

from lamella_signal import top_level, windows

__all__ = ["top_level", "windows"]
