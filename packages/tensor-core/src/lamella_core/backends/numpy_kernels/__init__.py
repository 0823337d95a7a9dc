"""Kernels that only the NumPy backend has, by family.

Importing the package registers them all.
"""

from importlib import import_module

from lamella_core.backends import numpy as _numpy  # the backend comes first

for _family in (
    "creation", "decomposition", "deviations", "few", "linalg", "orders", "random", "sets",
    "softmax", "solving", "special", "spectral", "views",
):  # fmt: skip
    import_module(f"{__name__}.{_family}")
