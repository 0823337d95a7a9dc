"""Scaled sums in place, for the bodies of updates: ``y + a x`` and ``b y + a x``.

NumPy takes two or three passes over memory for them, each in one thread. The BLAS that NumPy calls
for its products takes one, and the first sum goes to all of its threads, cut like a product by its
rows: a core that has written a part of a parameter finds it in its cache when it multiplies by it.
So large arrays are handed to that library. Its sums are rounded once, where the processor can, as
PyTorch's are.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np

# In elements: more than the blocks of several threads have, in which NumPy's passes are over a
# cache, and the calls of BLAS, which hold the interpreter's lock for longer, are in the way.
LEAST = 32769

_Memory = ctypes.c_char * 1


def _routine(name: str, *kinds: Any) -> Any:
    """A function of the library that NumPy is linked with; None where that has no such one.

    Lengths are passed as 64 bits, which a library that reads 32 of them takes as well.
    """
    # Through NumPy's own module the names are found in the libraries that it was linked with.
    linked = getattr(sys.modules.get("numpy._core._multiarray_umath"), "__file__", None)
    if linked is None:
        return None
    library = ctypes.CDLL(linked)
    for full in (f"scipy_cblas_{name}64_", f"cblas_{name}64_", f"cblas_{name}_64", f"cblas_{name}"):
        function = getattr(library, full, None)
        if function is not None:
            function.argtypes, function.restype = kinds, None
            return function
    return None


def _routines(letter: str, number: Any) -> tuple[Any, Any]:
    length, address = ctypes.c_int64, ctypes.c_void_p
    vector = (address, length)
    return (
        _routine(f"{letter}axpy", length, number, *vector, *vector),
        _routine(f"{letter}axpby", length, number, *vector, number, *vector),
    )


# By the type of the elements.
_BLAS = {
    np.dtype(np.float32): _routines("s", ctypes.c_float),
    np.dtype(np.float64): _routines("d", ctypes.c_double),
}


def _by_blas(which: int, target: Any, source: Any, factor: Any, keep: Any = None) -> bool:
    """Writes the sum into the target, where BLAS can; otherwise returns False."""
    size = target.size
    routine = _BLAS.get(target.dtype, (None, None))[which]
    if routine is None or size != source.size or source.dtype != target.dtype:
        return False
    # BLAS does not read what is multiplied by 0, be it NaN.
    if not factor or (keep is not None and not keep):
        return False
    try:
        to, by = _Memory.from_buffer(target), _Memory.from_buffer(source)
    except (BufferError, TypeError, ValueError):
        # There are gaps in memory, or another order, or it is not to be written to.
        return False
    if keep is None:
        routine(size, factor, by, 1, to, 1)
    else:
        routine(size, factor, by, 1, keep, to, 1)
    return True


def add_scaled(xp: Any, value: Any, factor: Any, source: Any, scratch: Any, out: Any) -> Any:
    """``value + factor * source``, put into ``out``; the value of an array is in ``out`` already.

    Args:
        scratch: an array of that shape; it may be the source.
    """
    if xp is np and out.size >= LEAST and value is out and _by_blas(0, out, source, factor):
        return out
    return xp.add(value, xp.multiply(source, factor, scratch), out)


def average(xp: Any, value: Any, keep: Any, source: Any, share: Any, scratch: Any) -> Any:
    """``keep * value + share * source``, put into ``value``.

    Args:
        share: a number; None stands for 1.
        scratch: an array of that shape; it may be the source.
    """
    if xp is np and value.size >= LEAST:
        if _by_blas(1, value, source, 1.0 if share is None else share, keep):
            return value
    kept = xp.multiply(value, keep, value)
    return xp.add(kept, source if share is None else xp.multiply(source, share, scratch), value)
