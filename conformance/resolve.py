"""Finds, for an entry of the operator database, the public function that it stands for, and gives
it as a callable of any framework module.

Most entries are a public function: ``torch.linalg.inv`` of PyTorch is ``linalg.inv`` of the
candidate. Others are methods of Tensor (``__radd__``), and some are small functions of the
database itself, written over the name ``torch`` (``lambda x, *a: x.expand(*a)``). Such a function
is run for the candidate with its global ``torch`` standing for the candidate.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import torch

SEED = 42
DATABASE_MODULES = "torch.testing._internal"


def seed(module: ModuleType) -> None:
    """Starts the module's default generator anew."""
    generator = getattr(module, "default_generator", None)
    if generator is not None:
        generator.manual_seed(SEED)
    elif hasattr(module, "manual_seed"):
        module.manual_seed(SEED)


def look_up(module: ModuleType, path: str) -> Any:
    """The object at a dotted path below ``module``, or None."""
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part, None)
        if found is None:
            return None
    return found


def public_path(op: Any) -> str:
    """The dotted name, below the module, of what a framework must have to have this op."""
    if _is_database_function(op.op):
        names = op.op.__code__.co_names
        if "Tensor" in names:
            return f"Tensor.{names[-1]}"
        if callable(look_up(torch, op.name)):
            return op.name
        return f"Tensor.{op.name}"
    found = look_up(torch, op.name)
    if found is None or isinstance(found, torch.dtype):
        return f"Tensor.{op.op.__name__}"
    return op.name


def has_op(op: Any, module: ModuleType) -> bool:
    return look_up(module, public_path(op)) is not None


def function(op: Any, module: ModuleType) -> Callable[..., Any]:
    """The op as the module's function, in the form the database calls it."""
    if _is_database_function(op.op):
        return rebind(op.op, module)
    return look_up(module, public_path(op))


def _is_database_function(candidate: Any) -> bool:
    return isinstance(candidate, FunctionType) and candidate.__module__.startswith(DATABASE_MODULES)


def rebind(func: Callable[..., Any], module: ModuleType) -> Callable[..., Any]:
    """A function of the database with ``torch`` standing for ``module`` in it."""
    if not _is_database_function(func):
        return func

    def seeded(inner: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        seed(module)
        return inner(*args, **kwargs)

    scope = {**func.__globals__, "torch": module, "wrapper_set_seed": seeded}
    bound = FunctionType(func.__code__, scope, func.__name__, func.__defaults__, func.__closure__)
    bound.__kwdefaults__ = func.__kwdefaults__
    return bound


def uses_internal_ops(func: Any) -> bool:
    """Whether the callable is one of ``torch.ops`` or is written over them."""
    if type(func).__module__ == "torch._ops":
        return True
    return inspect.isfunction(func) and "ops" in func.__code__.co_names


def variant(given: Any, module: ModuleType) -> Callable[..., Any] | None:
    """A method or in-place variant of the database for ``module``; None where it lacks it."""
    if _is_database_function(given):
        return rebind(given, module)
    if isinstance(given, functools.partial):
        path = f"{given.func.__module__}.{given.func.__name__}".removeprefix("torch.")
        target = look_up(module, path)
        return None if target is None else functools.partial(target, *given.args, **given.keywords)
    name = getattr(given, "__name__", "")
    if not callable(look_up(module, f"Tensor.{name}")):
        return None

    def method(input: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(input, name)(*args, **kwargs)

    return method


def is_method(given: Any) -> bool:
    """Whether the database gives this variant at all, as something that can be called."""
    if given is None:
        return False
    if _is_database_function(given) or isinstance(given, functools.partial):
        return True
    return callable(getattr(torch.Tensor, getattr(given, "__name__", ""), None))
