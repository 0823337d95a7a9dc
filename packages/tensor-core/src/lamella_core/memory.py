"""Host memory: keeping freed blocks for the next op.

A fresh page costs more than the arithmetic on it, and the C library gives freed blocks back to the
operating system soon: an op on a large array then waits for as many page faults as it has pages.
glibc can be told to keep them.
"""

from __future__ import annotations

import ctypes
import os
import sys

# The parameters of glibc's mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3

# glibc takes no larger value; blocks above it are mapped and unmapped as before.
_LARGEST_HEAP_BLOCK = 32 * 2**20

KEPT_BYTES = 256 * 2**20


def keep_freed_memory(nbytes: int = KEPT_BYTES) -> bool:
    """Lets the C library keep up to ``nbytes`` of freed memory for the process's next blocks.

    Called when the package is imported; the environment variable ``LAMELLA_KEEP_FREED_MEMORY``
    gives another number of bytes, 0 leaving the library as it is.

    Args:
        nbytes: how much free memory may stay at the end of the heap.

    Returns:
        whether it was done: False on a system whose C library is not glibc.

    Raises:
        ValueError: for a negative number.
    """
    if nbytes < 0:
        raise ValueError(f"keep_freed_memory: nbytes must not be negative, got {nbytes}")
    if nbytes == 0 or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    limit = min(nbytes, 2**31 - 1)
    done = mallopt(_TRIM_THRESHOLD, limit) and mallopt(
        _MMAP_THRESHOLD, min(limit, _LARGEST_HEAP_BLOCK)
    )
    return bool(done)


def _from_environment() -> int:
    text = os.environ.get("LAMELLA_KEEP_FREED_MEMORY", "")
    if not text:
        return KEPT_BYTES
    if not text.isdecimal():
        raise ValueError(
            f"the environment variable LAMELLA_KEEP_FREED_MEMORY must be a number of bytes, got "
            f"{text!r}"
        )
    return int(text)


keep_freed_memory(_from_environment())
