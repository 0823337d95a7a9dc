"""Apple's graphics processors: not served."""

from __future__ import annotations


def is_available() -> bool:
    """False: there is no backend for them."""
    return False


def is_built() -> bool:
    """False, as :func:`is_available`."""
    return False
