"""Optional dependencies: imported when an op that needs them first runs."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def scipy_module(name: str) -> Any:
    """SciPy's sub-package ``name``, such as ``"special"``.

    Raises:
        ModuleNotFoundError: without SciPy, naming the extra that brings it.
    """
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
