"""Views on the CPU that NumPy's constructor makes faster than its stride tricks."""

from __future__ import annotations

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels.views import expanded_strides, restride


def expand(input: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    strides = expanded_strides(input, size)
    if input.flags.c_contiguous:
        return np.ndarray(size, input.dtype, input, 0, strides)
    return restride(np, input, size, strides)


register_kernel("expand", expand, "cpu")
