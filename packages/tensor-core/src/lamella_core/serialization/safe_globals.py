"""What files that are loaded with ``weights_only=True`` may name, beyond tensors and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.serialization.names import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_allowed: dict[Any, None] = {}


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Lets files that are loaded with ``weights_only=True`` use these classes and functions.

    A file may call them with any arguments: allow only what does no harm with any.

    Args:
        safe_globals: classes and functions, or pairs of one and the full name that files have for
            it.
    """
    _allowed.update(dict.fromkeys(safe_globals))


def get_safe_globals() -> list[Any]:
    """What was allowed so far."""
    return list(_allowed)


def clear_safe_globals() -> None:
    """Takes everything back that was allowed."""
    _allowed.clear()


class safe_globals:
    """A context in which files may use these classes and functions besides those allowed so far.

    Args:
        safe_globals: as for :func:`add_safe_globals`.
    """

    __slots__ = ("_before", "_wanted")

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._wanted = list(safe_globals)

    def __enter__(self) -> None:
        self._before = dict(_allowed)
        add_safe_globals(self._wanted)

    def __exit__(self, *exc: object) -> None:
        _allowed.clear()
        _allowed.update(self._before)


def allowed_by_name() -> dict[str, Any]:
    """What the user allowed, by the full names that files may have for it."""
    found: dict[str, Any] = {}
    for each in _allowed:
        if isinstance(each, tuple):
            each, name = each
            found[name] = each
            continue
        found[f"{each.__module__}.{each.__qualname__}"] = each
        theirs = name_of(each)
        if theirs is not None:
            found[".".join(theirs)] = each
    return found
