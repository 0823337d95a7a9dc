"""The type in which kernels compute: float32 for float16 and bfloat16, else the arrays' own."""

from __future__ import annotations

from typing import Any

import numpy as np

_SINGLE = np.dtype(np.float32)


def compute_type(dtype: Any) -> Any:
    """The type that arrays of a type are computed in."""
    return _SINGLE if dtype.itemsize == 2 else dtype


def single(array: Any) -> Any:
    """An array of 16 bits an element in float32; another, or None, as it is."""
    return array if array is None or array.dtype.itemsize > 2 else array.astype(_SINGLE)
