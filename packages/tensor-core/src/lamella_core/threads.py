"""How many threads the CPU libraries use."""

from __future__ import annotations

from typing import Any


def _blas() -> list[Any]:
    """The controllers of the BLAS libraries that are loaded."""
    # Imported here: looking through the loaded libraries takes longer than the package's import.
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def set_num_threads(int: int) -> None:
    """Sets how many threads BLAS uses for one call on the CPU.

    Args:
        int: at least 1.

    Raises:
        RuntimeError: for a number below 1.
    """
    if int < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {int}")
    for library in _blas():
        library.set_num_threads(int)


def get_num_threads() -> int:
    """How many threads BLAS uses for one call on the CPU."""
    return max((library.num_threads for library in _blas()), default=1)


def set_flush_denormal(mode: bool) -> bool:
    """Asks that numbers too small for the normal form be taken as zero.

    Returns:
        Whether that is done: always False, as NumPy computes with such numbers exactly and offers
        no way to change the processor's mode.
    """
    return False
