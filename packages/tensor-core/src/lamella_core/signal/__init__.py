"""``torch.signal``: signal processing."""

from __future__ import annotations

from lamella_core.signal import windows

__all__ = ["windows"]
