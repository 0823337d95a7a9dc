"""Who is asked about a call, in which order, and what tensors answer by default.

A call of a public function with an object whose class has ``__torch_function__`` goes to that
method, and modes come before all objects. ``guards.py`` makes the public functions ask.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable
from typing import Any

from lamella._overriding import activate
from lamella_core import Size, Tensor

Function = Callable[..., Any]

# What a class means for a call that has an instance of it among its arguments.
PLAIN, OVERRIDING, CONTAINER = range(3)


class _Thread(threading.local):
    def __init__(self) -> None:
        # The modes, the innermost last, and how often objects were told to be left alone.
        self.modes: list[Any] = []
        self.disabled = 0


thread = _Thread()


def disabled_torch_function(*args: Any, **kwargs: Any) -> Any:
    """As a class's ``__torch_function__``: its instances take part in calls as plain tensors."""
    return NotImplemented


def _meaning(cls: type) -> int:
    for base in cls.__mro__:
        own = vars(base).get("__torch_function__")
        if base is Tensor:
            return PLAIN if cls is Tensor else OVERRIDING
        if own is not None:
            return PLAIN if own is disabled_torch_function else OVERRIDING
        # Parameters and the like: what is computed with them is a plain tensor.
        if base.__module__.startswith("lamella_") and issubclass(base, Tensor):
            return PLAIN
    return CONTAINER if issubclass(cls, (tuple, list)) and cls is not Size else PLAIN


class _Meanings(dict[type, int]):
    def __missing__(self, cls: type) -> int:
        self[cls] = meaning = _meaning(cls)
        if meaning == OVERRIDING:
            # It may be older than this library, whose look-out did not see it.
            activate()
        return meaning


meanings = _Meanings()


def _forget(phase: str, info: dict[str, int], clear: Any = meanings.clear) -> None:
    # Classes are freed by the collector alone, and only if they are not kept here.
    if phase == "start" and info["generation"]:
        clear()


gc.callbacks.append(_forget)


def overriding(values: Iterable[Any]) -> list[Any]:
    """The objects to ask, one of each class: as they stand, but subclasses before their bases.

    Tuples and lists among the values are looked into.
    """
    found: list[Any] = []
    for value in values:
        meaning = meanings[value.__class__]
        if meaning == CONTAINER:
            members = value
        elif meaning == OVERRIDING:
            members = (value,)
        else:
            continue
        for each in members:
            cls = each.__class__
            if meanings[cls] != OVERRIDING or any(other.__class__ is cls for other in found):
                continue
            place = next(
                (i for i, other in enumerate(found) if issubclass(cls, other.__class__)), len(found)
            )
            found.insert(place, each)
    return found


def ask(function: Function, objects: list[Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The answer of the first that has one, ``NotImplemented`` where nobody has.

    Args:
        function: the public function, as they are to see it.
        objects: what :func:`overriding` found.
    """
    types = tuple([each.__class__ for each in objects])
    if thread.modes:
        # What a mode itself calls goes to the modes around it.
        mode = thread.modes.pop()
        try:
            answer = mode.__torch_function__(function, types, args, kwargs)
        finally:
            thread.modes.append(mode)
        if answer is not NotImplemented:
            return answer
    for each in objects:
        answer = each.__torch_function__(function, types, args, kwargs)
        if answer is not NotImplemented:
            return answer
    return NotImplemented


def nobody(name: str, objects: list[Any]) -> TypeError:
    """The error for a call that all who were asked have refused."""
    classes = [each.__class__ for each in objects]
    return TypeError(
        f"no implementation found for {name!r} on types that implement __torch_function__: "
        f"{classes}; each returned NotImplemented"
    )


class DisableTorchFunctionSubclass:
    """Context in which no object is asked, so that functions compute; modes still see calls."""

    def __enter__(self) -> None:
        thread.disabled += 1

    def __exit__(self, *error: Any) -> None:
        thread.disabled -= 1


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """Context in which neither objects nor modes are asked."""

    def __enter__(self) -> None:
        super().__enter__()
        self._modes = thread.modes
        thread.modes = []

    def __exit__(self, *error: Any) -> None:
        thread.modes = self._modes
        super().__exit__()


# Functions whose results stay what they are: a gradient has the class that it was computed with.
unconverted: set[Function] = set()


def torch_function(
    cls: type[Tensor],
    func: Function,
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """What a class derived from Tensor answers unless it says otherwise.

    The function computes as for plain tensors. Tensors in its result, and in tuples and lists
    there, become instances of ``cls``.

    Args:
        func: the public function that was called.
        types: the classes that were found among the arguments.
        args, kwargs: the arguments.

    Returns:
        The result; ``NotImplemented`` where one of the types is no base of ``cls``.
    """
    if not all([issubclass(cls, each) for each in types]):
        return NotImplemented
    thread.disabled += 1
    try:
        result = func(*args, **(kwargs or {}))
        return result if func in unconverted else _converted(result, cls)
    finally:
        thread.disabled -= 1


def _converted(result: Any, cls: type[Tensor]) -> Any:
    if isinstance(result, Tensor):
        return result if isinstance(result, cls) else result.as_subclass(cls)
    if isinstance(result, (tuple, list)) and not isinstance(result, Size):
        kind: Any = type(result)
        members = [_converted(each, cls) for each in result]
        return tuple.__new__(kind, members) if isinstance(result, tuple) else kind(members)
    return result


Tensor.__torch_function__ = classmethod(torch_function)
