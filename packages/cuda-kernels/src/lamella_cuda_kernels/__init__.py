"""What CUDA needs beside CuPy: random numbers, special functions, and forms that CuPy lacks.

A plugin: the entry point ``cuda_kernels`` brings it into use when CUDA is first asked for.
"""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import backends

__all__ = ["load"]


def load() -> None:
    """What the entry point names: registers the kernels, where the CUDA backend has a device."""
    from lamella_core.backends import cupy

    # Entry points come in no order: the backend's own may be yet to come.
    cupy.load()
    backend: Any = backends.get("cuda")
    if backend is None:
        return
    from cupyx import errstate

    from lamella_cuda_kernels import random, solving, special
    from lamella_cuda_kernels.namespace import Namespace

    if not isinstance(backend.xp, Namespace):
        backend.xp = Namespace(backend.cupy, errstate)
        for family in (random, solving, special):
            family.register(backend.xp)
