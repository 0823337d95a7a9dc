"""Views on the CPU that NumPy's own methods and constructor make faster than the shared kernels."""

from __future__ import annotations

from operator import getitem

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels import views as shared
from lamella_core.kernels.views import diagonal_strides, expanded

# By the place of the new dimension.
_NEW = [(*(slice(None),) * dim, None) for dim in range(65)]


def view(input: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    if not input.flags.c_contiguous:
        return shared.view(np, input, size)
    for n in size:
        # NumPy would take any negative size for -1.
        if n < -1:
            return shared.view(np, input, size)
    return input.reshape(size)


def expand(input: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    shape, strides = expanded(input, size)
    return _restrided(input, shape, strides)


def unsqueeze(input: np.ndarray, dim: int) -> np.ndarray:
    if input.flags.c_contiguous and input.size:
        return input[_NEW[dim]]
    return shared.unsqueeze(np, input, dim)


def diagonal(input: np.ndarray, offset: int, dim1: int, dim2: int) -> np.ndarray:
    part, shape, strides = diagonal_strides(input, offset, dim1, dim2)
    return _restrided(part, shape, strides)


def _restrided(array: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    if array.flags.c_contiguous:
        return np.ndarray(shape, array.dtype, array, 0, strides)
    return shared.restride(np, array, shape, strides)


register_kernel("view", view, "cpu")
register_kernel("expand", expand, "cpu")
register_kernel("unsqueeze", unsqueeze, "cpu")
register_kernel("diagonal", diagonal, "cpu")
register_kernel("basic_index", getitem, "cpu")
register_kernel("permute", np.ndarray.transpose, "cpu")
register_kernel("transpose", np.ndarray.swapaxes, "cpu")
register_kernel("squeeze", np.ndarray.squeeze, "cpu")
