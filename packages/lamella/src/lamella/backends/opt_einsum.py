"""The order in which ``einsum`` multiplies."""

from __future__ import annotations

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """False: ``einsum`` multiplies from left to right."""
    return False
