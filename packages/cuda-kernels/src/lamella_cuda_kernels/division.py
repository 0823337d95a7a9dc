"""Floor and remainder of real quotients.

CuPy takes the floor of the rounded quotient. Here all goes by the exact remainder of truncated
division, as in PyTorch: ``floor(x / y)`` is -1 for a small positive x and a negative y.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

_FLOATS = "efdE"


def remainder(input: Any, other: Any, out: Any = None) -> Any:
    """``input - other * floor(input / other)``, with the sign of ``other``."""
    if not _is_real(input, other):
        return cupy.remainder(input, other, out)
    x, y, dtype = _operands(input, other)
    left = cupy.fmod(x, y)
    return _given(cupy.where(_turned(left, y), left + y, left), dtype, out)


def floor_divide(input: Any, other: Any, out: Any = None) -> Any:
    """``floor(input / other)``; by 0 the quotient itself."""
    if not _is_real(input, other):
        return cupy.floor_divide(input, other, out)
    x, y, dtype = _operands(input, other)
    left = cupy.fmod(x, y)
    quotient = (x - left) / y
    quotient = cupy.where(_turned(left, y), quotient - 1, quotient)
    # The quotient of the difference is a whole number but for its rounding.
    whole = cupy.rint(quotient)
    exact = cupy.where(whole == 0, cupy.copysign(whole, x / y), whole)
    return _given(cupy.where(y == 0, x / y, exact), dtype, out)


def fmod(input: Any, other: Any, out: Any = None) -> Any:
    """``input - other * trunc(input / other)``, with the sign of ``input``."""
    if not _is_real(input, other):
        return cupy.fmod(input, other, out)
    x, y, dtype = _operands(input, other)
    return _given(cupy.fmod(x, y), dtype, out)


def _is_real(input: Any, other: Any) -> bool:
    return _type_of(input, other).char in _FLOATS


def _type_of(input: Any, other: Any) -> Any:
    return (input if isinstance(input, cupy.ndarray) else other).dtype


def _operands(input: Any, other: Any) -> tuple[Any, Any, Any]:
    """Both in the type to compute in, and the type of the result."""
    dtype = _type_of(input, other)
    wide = np.dtype(np.float32) if dtype.itemsize == 2 else dtype
    x, y = (cupy.asarray(each, wide) for each in (input, other))
    return x, y, dtype


def _turned(left: Any, y: Any) -> Any:
    """Where truncated and floored division differ."""
    return (left != 0) & ((left < 0) != (y < 0))


def _given(result: Any, dtype: Any, out: Any) -> Any:
    if out is None:
        return result.astype(dtype, copy=False)
    out[...] = result.astype(out.dtype, copy=False)
    return out
