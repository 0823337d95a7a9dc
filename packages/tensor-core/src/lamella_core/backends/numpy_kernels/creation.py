"""Creation on the CPU: the most frequent kernels, called without the array namespace in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel


def zeros(size: tuple[int, ...], dtype: np.dtype, device: Any) -> np.ndarray:
    return np.zeros(size, dtype)


def full(size: tuple[int, ...], fill_value: Any, dtype: np.dtype, device: Any) -> np.ndarray:
    result = np.empty(size, dtype)
    result.fill(fill_value)
    return result


def ones(size: tuple[int, ...], dtype: np.dtype, device: Any) -> np.ndarray:
    result = np.empty(size, dtype)
    result.fill(1)
    return result


register_kernel("zeros", zeros, "cpu")
register_kernel("full", full, "cpu")
register_kernel("ones", ones, "cpu")
