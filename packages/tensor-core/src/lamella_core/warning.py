"""Warnings that name the line of the program that led to them."""

from __future__ import annotations

import sys
import warnings

# What has been told once; None where all is told each time.
told: set[str] | None = set()


def warn(text: str) -> None:
    """A UserWarning at the innermost line that is not of these distributions.

    How many calls lie between differs from op to op, and with what stands before the functions.
    """
    level, frame = 1, sys._getframe()
    # Without a name are the functions that are made by ``eval``.
    while frame.f_back and (frame.f_globals.get("__name__") or "lamella").startswith("lamella"):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)


def warn_once(text: str) -> None:
    """:func:`warn` at the first call of the process with this text, as PyTorch's do not repeat."""
    if told is None or text not in told:
        if told is not None:
            told.add(text)
        warn(text)
