"""Kernels that only the NumPy backend has, by family.

Importing the package registers them all.
"""

from lamella_core.backends import numpy as _numpy  # the backend comes first
from lamella_core.backends.numpy_kernels import (
    activation,
    creation,
    decomposition,
    deviations,
    few,
    linalg,
    random,
    softmax,
    solving,
    special,
    views,
)

__all__ = [
    "activation",
    "creation",
    "decomposition",
    "deviations",
    "few",
    "linalg",
    "random",
    "softmax",
    "solving",
    "special",
    "views",
]
