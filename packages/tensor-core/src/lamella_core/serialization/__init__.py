"""Saving and loading: PyTorch's file format both ways, safe by default, replaced atomically."""

from __future__ import annotations

from lamella_core.serialization.loading import load
from lamella_core.serialization.names import register_module, register_place, register_type
from lamella_core.serialization.safe_globals import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from lamella_core.serialization.saving import save

__all__ = [
    "add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "register_place",
    "register_module", "register_type", "safe_globals", "save",
]  # fmt: skip
