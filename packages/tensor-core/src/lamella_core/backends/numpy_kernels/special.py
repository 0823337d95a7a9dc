"""The special functions on the CPU: SciPy's special functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.extras import scipy_module
from lamella_core.kernels.special import register_special_kernels


def special() -> Any:
    # SciPy's special functions, imported when one is first asked for.
    return scipy_module("special")


def airy_ai(input: np.ndarray) -> np.ndarray:
    return special().airy(input)[0].astype(input.dtype, copy=False)


register_special_kernels("cpu", np, special)
register_kernel("airy_ai", airy_ai, "cpu")
