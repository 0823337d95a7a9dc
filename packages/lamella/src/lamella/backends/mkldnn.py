"""oneDNN: not used."""

from __future__ import annotations

enabled = False


def is_available() -> bool:
    """False: convolutions on the CPU are products of matrices."""
    return False
