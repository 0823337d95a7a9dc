"""The list of programs, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_REACHED = "not reached"
PROGRAMS: dict[str, Callable[[Any], Iterator[Any]]] = {}


def program(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """Adds a program to the list."""
    PROGRAMS[function.__name__] = function
    return function


def leaf(t: Any, *values: float) -> Any:
    """A leaf of these values that requires grad."""
    return t.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)
