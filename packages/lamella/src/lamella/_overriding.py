"""Notices the first class that has ``__torch_function__``, so that no call has to look for one.

Classes derived from Tensor report themselves. Any other shows when its ``class`` statement runs:
Python's hook for these statements is taken while no such class is known, and given back then.
"""

from __future__ import annotations

import builtins
from typing import Any

from lamella_core import Tensor

_build_class: Any = builtins.__build_class__
_active = False


def _noticing(*args: Any, **kwargs: Any) -> Any:
    cls = _build_class(*args, **kwargs)
    if (
        isinstance(cls, type)
        and "__torch_function__" in vars(cls)
        and not cls.__module__.startswith("lamella.")
    ):
        activate()
    return cls


def install() -> None:
    """Starts to look out."""
    Tensor._on_subclass = staticmethod(lambda cls: activate())
    builtins.__build_class__ = _noticing


def activate() -> None:
    """Makes the public functions ask."""
    global _active
    _active = True
    if builtins.__build_class__ is _noticing:
        builtins.__build_class__ = _build_class
    from lamella.overrides import _guards

    _guards.activate()


def refresh() -> None:
    """Makes the functions of modules that have been imported since ask, too."""
    if _active:
        activate()
