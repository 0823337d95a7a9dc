"""``torch.signal``: signal processing."""

from __future__ import annotations

from lamella_signal import windows

__all__ = ["windows"]
