"""Least squares on CUDA, by QR factorizations."""

from __future__ import annotations

from typing import Any

from numpy import broadcast_shapes

from lamella_core.dispatch import register_kernel
from lamella_core.kernels.solving import substitute


def register(xp: Any) -> None:
    """Registers the kernel over the backend's namespace."""

    def lstsq(A: Any, B: Any, rcond: float, driver: str) -> Any:
        if driver not in ("", "gels"):
            raise RuntimeError(
                f"torch.linalg.lstsq: `driver` other than `gels` is not supported on CUDA, got "
                f"{driver!r}; move the tensors to the CPU with .cpu()"
            )
        solution = _full_rank(xp, A, B)
        rows, columns = A.shape[-2:]
        real = A.real.dtype
        residuals = xp.empty((0,), real)
        if rows > columns:
            difference = xp.matmul(A, solution) - B
            residuals = (difference.real**2 + difference.imag**2).sum(-2)
        return solution, residuals, xp.empty((0,), xp.int64), xp.empty((0,), real)

    register_kernel("linalg_lstsq", lstsq, "cuda")


def _full_rank(xp: Any, A: Any, B: Any) -> Any:
    """Of all solutions the smallest: A has full rank."""
    rows, columns = A.shape[-2:]
    if rows >= columns:
        Q, R = xp.linalg.qr(A)
        solution = xp.matmul(Q.conj().swapaxes(-1, -2), B)
        substitute(xp, R, solution, True, False)
        return solution
    Q, R = xp.linalg.qr(A.conj().swapaxes(-1, -2))
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    solution = xp.array(xp.broadcast_to(B, batch + B.shape[-2:]))
    substitute(xp, R.conj().swapaxes(-1, -2), solution, False, False)
    return xp.matmul(Q, solution)
