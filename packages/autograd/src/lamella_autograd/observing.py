"""A layer below autograd that lets an observer stand around every op of a block."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import Layer, modes, new_bit, register_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

OBSERVED = new_bit()


class _Observers(threading.local):
    def __init__(self) -> None:
        self.stack: list[Callable[[Op, Callable[..., Any], tuple[Any, ...]], Any]] = []


_observers = _Observers()


class observing:
    """In the block, ``observer(op, below, args)`` runs in the place of each op.

    It returns the op's result, by ``below(*args)``, which passes the call on to the observer of
    the block outside, or otherwise. The results have no place in the graph yet. Ops that it calls
    itself are not observed.
    """

    def __init__(self, observer: Callable[[Op, Callable[..., Any], tuple[Any, ...]], Any]) -> None:
        self.observer = observer

    def __enter__(self) -> None:
        _observers.stack.append(self.observer)
        modes.bits |= OBSERVED

    def __exit__(self, *exc: object) -> None:
        _observers.stack.pop()
        if not _observers.stack:
            modes.bits &= ~OBSERVED


class Observing(Layer):
    """Hands calls to the thread's observers."""

    name = "observing"
    level = 50
    bits = OBSERVED

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        def around(level: int) -> Callable[..., Any]:
            if level < 0:
                return below
            observer = _observers.stack[level]
            return lambda *args: observer(op, around(level - 1), args)

        def observed(*args: Any) -> Any:
            before = modes.bits
            modes.bits = before & ~OBSERVED
            try:
                return around(len(_observers.stack) - 1)(*args)
            finally:
                modes.bits = before

        return observed


register_layer(Observing())
