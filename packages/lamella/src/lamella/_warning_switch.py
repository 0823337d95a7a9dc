"""The switch of warnings that PyTorch gives once a process."""

from __future__ import annotations

from lamella_core import warning


def set_warn_always(b: bool, /) -> None:
    """Whether warnings that are given once are given each time.

    Raises:
        RuntimeError: ``b`` is no bool.
    """
    if not isinstance(b, bool):
        raise RuntimeError(f"set_warn_always expects a bool, but got {type(b).__name__}")
    if b != is_warn_always_enabled():
        warning.told = None if b else set()


def is_warn_always_enabled() -> bool:
    """What :func:`set_warn_always` was called with last; at first False."""
    return warning.told is None
