"""Ops that CuPy has no function for, computed by the CPU's kernels between two copies.

The LDL factorization of indefinite matrices, its solver, and the Airy function: each call waits
for the device. They need SciPy, as they do on the CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import backends, register_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("linalg_ldl_factor_ex", "linalg_ldl_solve", "airy_ai")


def _on_the_host(xp: Any, kernel: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        result = kernel(*[xp.asnumpy(x) if isinstance(x, xp.ndarray) else x for x in args])
        return tuple(map(xp.asarray, result)) if isinstance(result, tuple) else xp.asarray(result)

    return call


def register(xp: Any) -> None:
    """Registers the kernels over the backend's namespace."""
    for name in NAMES:
        register_kernel(name, _on_the_host(xp, backends["cpu"].kernels[name]), "cuda")
