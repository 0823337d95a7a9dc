"""Functions without NumPy's warnings about floating-point events."""

from __future__ import annotations

import re
import types
from typing import Any

# The modules whose functions are made quiet with the kernels that call them.
_OF_KERNELS = re.compile(r"\.kernels\.|^lamella_core\.random$")
_quiet_globals: dict[int, dict[str, Any]] = {}


def quiet(function: Any) -> Any:
    # The same function, silent about floating-point events (0/0, overflow), as PyTorch is.
    #
    # NumPy reports them by a warning in the name of the Python function that called it. CPython
    # drops a warning whose caller's globals have the ``__name__`` None, so a copy of the function
    # over such globals is silent at no cost a call; ``numpy.errstate`` costs 0.8 µs, more than the
    # whole call. The user's own NumPy settings stay as they are. Functions of the same
    # distribution that the function calls are made quiet with it, those of modules of kernels too.
    if isinstance(function, types.MethodType):
        return types.MethodType(quiet(function.__func__), function.__self__)
    if not isinstance(function, types.FunctionType):
        return function
    package = _package_of(function)
    if package is None:
        return function
    copy = types.FunctionType(
        function.__code__,
        _quiet_copy(function.__globals__, package),
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    return copy


def copy_anew() -> None:
    # Further copies see what their modules' variables have been set to since the first.
    _quiet_globals.clear()


def _package_of(function: types.FunctionType) -> str | None:
    name = function.__globals__.get("__name__")
    return name.partition(".")[0] if name else None


def _quiet_copy(namespace: dict[str, Any], package: str) -> dict[str, Any]:
    known = _quiet_globals.get(id(namespace))
    if known is None:
        known = _quiet_globals[id(namespace)] = dict(namespace)
        known["__name__"] = None
        for name, value in namespace.items():
            if isinstance(value, types.FunctionType) and _package_of(value) == package:
                known[name] = quiet(value)
            elif isinstance(value, types.ModuleType) and _OF_KERNELS.search(value.__name__):
                own = value.__name__.partition(".")[0]
                known[name] = types.SimpleNamespace(**_quiet_copy(vars(value), own))
    return known
