"""A few singular values of a large matrix, from products with random vectors."""

from __future__ import annotations

from lamella_core.ops.decomposition import qr
from lamella_core.ops.eigen import svd
from lamella_core.ops.random import randn
from lamella_core.tensor import Tensor


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The ``q`` largest singular values and vectors, ``A - M ~ U diag(S) V^H``, by random probes.

    N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with randomness", 2011,
    algorithm 5.1.

    Args:
        A: ``(..., m, n)``, float32, float64 or complex.
        q: how many, a little more than the rank.
        niter: subspace iterations; more are more exact.
        M: subtracted first; broadcasts to the shape of ``A``.

    Returns:
        ``(U, S, V)`` of shapes ``(..., m, q)``, ``(..., q)`` and ``(..., n, q)``.
    """
    return _low_rank(A, q, niter, M)


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components of the rows of ``A``: :func:`svd_lowrank`, the columns' means removed.

    Args:
        A: ``(..., m, n)``.
        q: how many; ``min(6, m, n)`` by default.
        center: whether the means are removed.
        niter: subspace iterations.

    Returns:
        ``(U, S, V)``; the columns of ``V`` are the principal directions.

    Raises:
        ValueError: when ``q`` is negative or greater than ``min(m, n)``, or ``niter`` negative.
    """
    shape = A._array.shape
    if q is None:
        q = min(6, *shape[-2:])
    if not 0 <= q <= min(shape[-2:]):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)="
            f"{min(shape[-2:])} (pca_lowrank)"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer (pca_lowrank)")
    if center:
        A = A - A.mean(-2, keepdim=True)
    return _low_rank(A, q, niter, None)


def _low_rank(
    A: Tensor, q: int | None, niter: int | None, M: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Randomized SVD of ``A - M``, ``q`` values: N. Halko et al., 2011, algorithms 4.4 and 5.1."""
    q = 6 if q is None else q
    niter = 2 if niter is None else niter
    rows, columns = A._array.shape[-2:]
    if M is not None:
        A = A - M.expand(A._array.shape)
    wide = rows < columns
    if wide:
        A = A.mH
    probe = randn(A._array.shape[-1], q, dtype=A._dtype, device=A.device)
    basis = _orthonormal(A @ probe)
    for _ in range(niter):
        basis = _orthonormal(A @ _orthonormal(A.mH @ basis))
    U, S, Vh = svd(basis.mH @ A, full_matrices=False)
    U, V = basis @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


def _orthonormal(A: Tensor) -> Tensor:
    return qr(A)[0]
