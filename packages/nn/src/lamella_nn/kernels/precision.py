"""The type in which kernels compute: float32 for float16 and bfloat16, else the arrays' own."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import SINGLE, casts, converted


def compute_type(dtype: Any) -> Any:
    """The type that arrays of a type are computed in."""
    return SINGLE if dtype.itemsize == 2 else dtype


def single(array: Any) -> Any:
    """An array of 16 bits an element in float32; another, or None, as it is."""
    return array if array is None or array.dtype.itemsize > 2 else converted(array, SINGLE)


def put(target: Any, values: Any) -> None:
    """Writes values, converted by a plugin where one does it, over an array or a view."""
    cast = casts.get((values.dtype, target.dtype)) if target.__class__ is np.ndarray else None
    if cast is None:
        target[...] = values
    else:
        cast(values, out=target)
