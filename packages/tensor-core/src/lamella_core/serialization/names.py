"""The names that files use: PyTorch's globals, and what each of them stands for here.

A pickle refers to classes, functions and constants by module and name. Files carry PyTorch's
names, so that both sides read both; this table turns them into lamella's objects and back. Upper
packages add theirs with :func:`register_type` and :func:`register_module`.
"""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_objects: dict[tuple[str, str], Any] = {}
_names: dict[Any, tuple[str, str]] = {}
_reducers: dict[type, Callable[[Any], Any]] = {}
_modules: dict[str, str] = {}
_placed: dict[tuple[str, str], Any] = {}
_placed_names: dict[Any, tuple[str, str]] = {}


def register_type(
    module_name: str,
    qualified_name: str,
    target: Any,
    reduce: Callable[[Any], tuple[Any, ...]] | None = None,
) -> None:
    """Says what a global of PyTorch's stands for, in files that are written and read.

    What is registered may be made by a file that is loaded with ``weights_only=True``: register
    only classes and functions that are safe with any arguments.

    Args:
        module_name: PyTorch's module, ``"torch.nn.parameter"``.
        qualified_name: the name within it, ``"Parameter"``.
        target: the class, function or constant it stands for, or ``"module:name"``, which is
            imported when a file first needs it.
        reduce: for a class: a function of an instance that returns what ``__reduce__`` would. It
            is used when an instance is saved, instead of the class's own.
    """
    _objects[module_name, qualified_name] = target
    if not isinstance(target, str):
        _names.setdefault(target, (module_name, qualified_name))
        if reduce is not None:
            _reducers[target] = reduce


def register_module(module_name: str, target: str) -> None:
    """Says which package holds the counterparts of a PyTorch package, for whole objects.

    ``register_module("torch.nn", "lamella_nn")`` lets ``torch.nn.modules.linear.Linear`` in a file
    stand for ``lamella_nn.modules.linear.Linear``, when saving and with ``weights_only=False``.
    """
    _modules[module_name] = target


def register_place(module_name: str, target: Any) -> None:
    """Says where PyTorch has a class or function of the same name, for whole objects.

    For one that :func:`register_module` does not lead to, as it is in another file here. It may be
    given as ``"module:name"``, which is imported when a file first needs it.
    """
    if isinstance(target, str):
        _placed.setdefault((module_name, target.rpartition(":")[2]), target)
        return
    name = module_name, target.__qualname__
    _placed[name] = target
    _placed_names.setdefault(target, name)


def placed(module_name: str, qualified_name: str) -> Any:
    """What :func:`register_place` put there; None when there is nothing."""
    target = _placed.get((module_name, qualified_name))
    return imported(target) if isinstance(target, str) else target


def imported(target: str) -> Any:
    """What ``"module:name"`` is the name of."""
    module_name, _, name = target.partition(":")
    return getattr(import_module(module_name), name)


def registered(module_name: str, qualified_name: str) -> Any:
    """What a global was registered to stand for.

    Raises:
        KeyError: when it was not registered.
    """
    target = _objects[module_name, qualified_name]
    if isinstance(target, str):
        target = imported(target)
        register_type(module_name, qualified_name, target)
    return target


def reducer_of(cls: type) -> Callable[[Any], Any] | None:
    """The function that was registered to take apart instances of ``cls``."""
    return _reducers.get(cls)


def name_of(target: Any) -> tuple[str, str] | None:
    """PyTorch's module and name for an object; None when it has none."""
    name = _names.get(target)
    if name is None and isinstance(target, (type, FunctionType)):
        name = _placed_names.get(target)
    if name is None and isinstance(target, (type, FunctionType)):
        theirs = _renamed(target.__module__, {ours: module for module, ours in _modules.items()})
        if theirs is not None:
            return theirs, target.__qualname__
    return name


def counterpart_module(module_name: str) -> str | None:
    """The module that holds the counterparts of one of PyTorch's; None when there is none."""
    return _renamed(module_name, _modules)


def _renamed(module_name: str, prefixes: dict[str, str]) -> str | None:
    head, tail = module_name, ""
    while head:
        if head in prefixes:
            return prefixes[head] + tail
        head, _, last = head.rpartition(".")
        tail = f".{last}{tail}"
    return None
