"""Optional dependencies: imported when what needs them is first used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from lamella_core.parallel import state


def scipy_module(name: str) -> Any:
    """SciPy's sub-package ``name``, such as ``"special"``.

    Raises:
        ModuleNotFoundError: without SciPy, naming the extra that brings it.
    """
    if f"scipy.{name}" not in sys.modules:
        # SciPy brings a BLAS library of its own.
        state.blas = None
    try:
        return import_module(f"scipy.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "scipy":
            raise
        raise ModuleNotFoundError(
            f"this operation needs scipy.{name} on the CPU and SciPy is not installed; "
            "install lamella-tensor-core[scipy]",
            name=error.name,
        ) from None


def array_api() -> Any:
    """The Python array API standard's namespace, from the distribution that offers it.

    Raises:
        AttributeError: where none is installed, naming lamella-array-api.
    """
    from importlib.metadata import entry_points

    for entry_point in entry_points(group="lamella.array_api"):
        return entry_point.load()
    raise AttributeError("the array API standard needs lamella-array-api; install it")
