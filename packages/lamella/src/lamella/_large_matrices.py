"""Which ops have a kernel for one large matrix; it is loaded when such an op is resolved."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import backends, override_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

# How many of an op's arguments are matrices.
_COUNTS = {
    "geqrf": 1,
    "apply_reflections": 3,
    "cholesky_inverse": 1,
    "cholesky_solve": 2,
    "linalg_cholesky_ex": 1,
    "linalg_det": 1,
    "linalg_eigh": 1,
    "linalg_eigvalsh": 1,
    "linalg_inv_ex": 1,
    "linalg_ldl_factor_ex": 1,
    "linalg_lu": 1,
    "linalg_lu_factor_ex": 1,
    "linalg_lu_solve": 3,
    "linalg_qr": 1,
    "linalg_slogdet": 1,
    "linalg_solve_ex": 2,
    "linalg_solve_triangular": 2,
    "linalg_svd": 1,
    "linalg_svdvals": 1,
}


def install() -> None:
    """Puts these kernels over those of the core, which take a batch some matrices at a time."""
    overrides = backends["cpu"].overrides
    for name, count in _COUNTS.items():
        # An override stands alone: the core's is put into this one.
        inner = overrides.get(name, _unchanged)
        override_kernel(name, partial(_override, name, count, inner), "cpu")


def _override(
    name: str, count: int, inner: Callable[..., Any], below: Callable[..., Any]
) -> Callable[..., Any]:
    kernels = import_module("lamella._matrices")
    large = getattr(kernels, name.removeprefix("linalg_"))
    return kernels.over(large, count, inner, below)  # type: ignore[no-any-return]


def _unchanged(kernel: Callable[..., Any]) -> Callable[..., Any]:
    return kernel
