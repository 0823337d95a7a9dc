"""Which types an override is given: those that the kernel below it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]


def taking_the_types_of(below: Kernel, kernel: Kernel) -> Kernel:
    """Half precision reaches the kernel below unconverted where that one takes it."""
    if getattr(below, "reduced_precision", False):
        kernel.reduced_precision = True  # type: ignore[attr-defined]
    return kernel
