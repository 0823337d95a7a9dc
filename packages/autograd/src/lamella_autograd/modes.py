"""Switches of the calling thread: whether calls are recorded."""

from __future__ import annotations

import threading
import warnings
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from lamella_core.dispatch import modes, new_bit
from lamella_core.refusal import check_switches

if TYPE_CHECKING:
    from collections.abc import Callable

NO_GRAD = new_bit()
INFERENCE = new_bit()
ANOMALY = new_bit()
SAVING_HOOKS = new_bit()
MUTATION = new_bit()
# A transform is running (vmap, grad, ...): it handles every call; see ``levels``.
TRANSFORMING = new_bit()

_GRAD_BITS = NO_GRAD | INFERENCE

F = TypeVar("F", bound="Callable[..., Any]")


class _Mode:
    """A context manager and decorator that sets or clears mode bits for its block."""

    _set = 0
    _clear = 0

    def __init__(self) -> None:
        self._before: list[int] = []

    def __enter__(self) -> None:
        self._before.append(modes.bits)
        modes.bits = modes.bits & ~self._clear | self._set

    def __exit__(self, *exc: object) -> None:
        modes.bits = modes.bits & ~_GRAD_BITS | self._before.pop() & _GRAD_BITS

    def clone(self) -> _Mode:
        """Another context manager of the same setting."""
        return type(self)()

    def __call__(self, function: F) -> F:
        import inspect

        if inspect.isclass(function):
            warnings.warn(
                f"Decorating a class ({function.__name__}) makes a function of it, in which "
                f"instances are made; it is deprecated. Decorate its methods instead.",
                FutureWarning,
                stacklevel=2,
            )
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Any:
                generator = function(*args, **kwargs)
                with self.clone():
                    try:
                        item = next(generator)
                    except StopIteration as stop:
                        return stop.value
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        generator.close()
                        raise
                    except BaseException as error:
                        step: Callable[[], Any] = partial(generator.throw, error)
                    else:
                        step = partial(generator.send, sent)
                    with self.clone():
                        try:
                            item = step()
                        except StopIteration as stop:
                            return stop.value

            return generate  # type: ignore[return-value]

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


class no_grad(_Mode):
    """Calls in the block are not recorded; usable as a decorator, with or without parentheses."""

    _set = NO_GRAD

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = object.__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # type: ignore[misc]
        return mode(function)


class enable_grad(no_grad):
    """Calls in the block are recorded again, inside ``no_grad``."""

    _set = 0
    _clear = NO_GRAD


class set_grad_enabled(_Mode):
    """Switches recording on or off: at once when called, and back at the end of a ``with`` block.

    Args:
        mode: whether calls are recorded.
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        if mode.__class__ is not bool:
            check_switches("set_grad_enabled", enabled=mode)
        self.mode = mode
        self._at_creation = modes.bits
        self._set, self._clear = (0, NO_GRAD) if mode else (NO_GRAD, 0)
        modes.bits = modes.bits & ~self._clear | self._set

    def __enter__(self) -> None:
        self._before.append(self._at_creation)
        modes.bits = modes.bits & ~self._clear | self._set

    def __call__(self, function: F) -> F:
        modes.bits = modes.bits & ~_GRAD_BITS | self._at_creation & _GRAD_BITS
        return super().__call__(function)

    def clone(self) -> _Mode:
        return set_grad_enabled(self.mode)


class inference_mode(_Mode):
    """Like ``no_grad``, and tensors made in the block can never be part of a graph.

    Args:
        mode: False switches it off inside an outer inference block.
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        if callable(mode):
            return cls()(mode)
        return object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = mode
        self._set, self._clear = (NO_GRAD | INFERENCE, 0) if mode else (0, NO_GRAD | INFERENCE)

    def clone(self) -> _Mode:
        return inference_mode(self.mode)


class _Threading(threading.local):
    many = True


_threading = _Threading()


class set_multithreading_enabled:
    """Says whether a backward pass may use several threads: at once, and back after a ``with``.

    A pass here runs in the thread that calls it in any case; what is set can be asked for by
    :func:`is_multithreading_enabled`.

    Args:
        mode: whether it may.
    """

    def __init__(self, mode: bool) -> None:
        self._before = _threading.many
        self.mode = mode
        _threading.many = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _threading.many = self._before


def is_multithreading_enabled() -> bool:
    """What :class:`set_multithreading_enabled` set for this thread."""
    return _threading.many


def is_grad_enabled() -> bool:
    """Whether calls of this thread are recorded."""
    return not modes.bits & NO_GRAD


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in an ``inference_mode`` block."""
    return bool(modes.bits & INFERENCE)
