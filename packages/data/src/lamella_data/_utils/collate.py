"""The names of :mod:`lamella_data.collate` in PyTorch's place."""

from __future__ import annotations

from lamella_data.collate import (
    collate,
    default_collate,
    default_collate_fn_map,
    default_convert,
)

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]
