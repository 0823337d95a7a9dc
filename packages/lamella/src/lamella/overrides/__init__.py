"""``torch.overrides``: own classes and modes in the place of PyTorch's functions.

A class with a class method ``__torch_function__`` is asked about every call of a public function
that has one of its objects among the arguments; a :class:`TorchFunctionMode` about every call.
``docs/overriding.md`` shows how.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from lamella._overriding import activate
from lamella.overrides import _guards
from lamella.overrides._protocol import OVERRIDING, Function, ask, meanings, nobody, thread
from lamella.overrides._protocol import overriding as _overriding
from lamella_core import Tensor

__all__ = [
    "TorchFunctionMode",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


class TorchFunctionMode:
    """A context in which every call of a public function goes to ``__torch_function__`` first.

    A subclass overrides this method. While it runs, the mode is not asked: what it calls goes to
    the modes around it, then to the arguments, then computes.
    """

    def __torch_function__(
        self, func: Function, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError("a TorchFunctionMode must define __torch_function__")

    def __enter__(self) -> TorchFunctionMode:
        activate()
        thread.modes.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        thread.modes.pop()


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments, or a mode, is to be asked about a call.

    Plain tensors and parameters are not asked.
    """
    return bool(thread.modes) or (
        not thread.disabled
        and any([meanings[each.__class__] == OVERRIDING for each in relevant_args])
    )


def has_torch_function_unary(argument: Any) -> bool:
    """As :func:`has_torch_function`, of one argument."""
    return has_torch_function((argument,))


def has_torch_function_variadic(*arguments: Any) -> bool:
    """As :func:`has_torch_function`, of the arguments given one by one."""
    return has_torch_function(arguments)


def handle_torch_function(
    public_api: Function, relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Asks about a call of a function of your own.

    Args:
        public_api: the function, as users know it.
        relevant_args: the arguments that may be asked.
        args, kwargs: those of the call.

    Returns:
        The first answer that is not ``NotImplemented``.

    Raises:
        TypeError: where there is none.
    """
    objects = [] if thread.disabled else _overriding(relevant_args)
    answer = ask(public_api, objects, args, kwargs)
    if answer is NotImplemented:
        raise nobody(f"{public_api.__module__}.{public_api.__name__}", objects)
    return answer


def wrap_torch_function(dispatcher: Function) -> Callable[[Function], Function]:
    """Decorator: a function of your own that asks about its calls as PyTorch's functions do.

    Args:
        dispatcher: takes the function's arguments and returns an iterable of those to ask.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor, or has ``__torch_function__`` and so may stand for one."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def resolve_name(f: Function) -> str | None:
    """PyTorch's name of an overridable function, ``"torch.mean"``; None for any other.

    A method that is also a function of the top level, as most are, has that function's name.
    """
    activate()
    return _guards.names.get(f)


def is_tensor_method_or_property(func: Function) -> bool:
    """Whether a function is a method of Tensor, or the getter or setter of a property."""
    activate()
    if isinstance(getattr(func, "__self__", None), property):
        return func in _guards.names
    return any([each is func for each in vars(Tensor).values()])


def get_overridable_functions() -> dict[Any, list[Function]]:
    """The functions that arguments are asked about, by the module or class that users find them in.

    Of modules that are not imported yet nothing is listed.
    """
    activate()
    found: dict[Any, list[Function]] = {}
    for function, name in _guards.names.items():
        owner = name.removesuffix(".__get__").rpartition(".")[0]
        found.setdefault(_guards.owner_of(owner), []).append(function)
    return found


def get_ignored_functions() -> set[Function]:
    """The public functions that no argument is asked about."""
    activate()
    return set(_guards.ignored)


def get_testing_overrides() -> dict[Function, Function]:
    """For each overridable function another one of its signature, which returns -1."""
    activate()
    return {function: _of_same_signature(function) for function in _guards.names}


def _of_same_signature(function: Function) -> Function:
    def override(*args: Any, **kwargs: Any) -> int:
        return -1

    if isinstance(getattr(function, "__self__", None), property):
        return lambda self: -1
    override.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return override
