"""Modules without first values."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from lamella_nn.init import skipped

if TYPE_CHECKING:
    from lamella_nn.modules.module import Module

M = TypeVar("M", bound="Module")


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """Make a module whose parameters have arbitrary values, without drawing random numbers.

    What the class does by functions of ``nn.init`` is left out; for weights that are loaded or
    set anew in any case.

    Args:
        module_cls: the class, whose constructor has an argument ``device``.
        args, kwargs: its arguments.

    Raises:
        RuntimeError: it is no ``Module`` class, or has no such argument.
    """
    from lamella_nn.modules.module import Module

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    with skipped():
        return module_cls(*args, **kwargs)
