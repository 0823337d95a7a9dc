"""How many threads the CPU libraries use, and what the processor does with denormal numbers."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import casts
from lamella_core.parallel import set_thread_count

__all__ = [
    "get_num_interop_threads", "get_num_threads", "set_flush_denormal", "set_num_interop_threads",
    "set_num_threads",
]  # fmt: skip


def _blas() -> list[Any]:
    # The controllers of the BLAS libraries that are loaded.
    # Imported here: looking through the loaded libraries takes longer than the package's import.
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _checked(op_name: str, number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise RuntimeError(f"{op_name} expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError(f"{op_name} expects a positive integer, got {number}")
    return int(number)


def set_num_threads(int: int) -> None:
    """Sets how many threads BLAS, and the kernels that spread their work, use on the CPU.

    Args:
        int: at least 1.

    Raises:
        RuntimeError: for a number below 1, or no int.
    """
    count = _checked("set_num_threads", int)
    set_thread_count(count)
    for library in _blas():
        library.set_num_threads(count)


def get_num_threads() -> int:
    """How many threads BLAS uses for one call on the CPU."""
    return max((library.num_threads for library in _blas()), default=1)


_interop: list[int] = []


def set_num_interop_threads(int: int) -> None:
    """Sets how many ops may run side by side; once in a process, as in PyTorch.

    Raises:
        RuntimeError: for a number below 1, no int, or the second time.
    """
    count = _checked("set_num_interop_threads", int)
    if _interop:
        raise RuntimeError(
            "cannot set number of interop threads after parallel work has started or "
            "set_num_interop_threads called"
        )
    _interop.append(count)


def get_num_interop_threads() -> int:
    """How many ops may run side by side: 1 unless set, as eager ops run one after the other."""
    return _interop[0] if _interop else 1


# The size of C's fenv_t, the place of the word that rules denormal numbers, and its bits: flush to
# zero and, on x86, take operands for zero too.
_FENV = {"x86_64": (32, 28, 0x8040), "aarch64": (8, 0, 1 << 24)}


def set_flush_denormal(mode: bool) -> bool:
    """Lets the processor take numbers too small for the normal form as zero, in this thread.

    Returns:
        Whether that is done: on x86-64 and AArch64 under Linux with the GNU C library.

    Raises:
        RuntimeError: when ``mode`` is not a bool.
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"set_flush_denormal expects a bool, but got {type(mode).__name__}")
    found = _FENV.get(platform.machine())
    if found is None or not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return False
    size, place, bits = found
    if mode:
        # Numbers in between are of this kind.
        casts.clear()
    libm = ctypes.CDLL("libm.so.6")
    state = (ctypes.c_uint32 * (size // 4))()
    libm.fegetenv(state)
    word = state[place // 4]
    state[place // 4] = word | bits if mode else word & ~bits
    return libm.fesetenv(state) == 0
