"""Derivatives of the triangular and orthogonal factorizations.

S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with
application in optimum experimental design", 2010, for QR; M. B. Giles, 2008, for Cholesky.
"""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.matrices import diagonal_of, identity_like, of_shape
from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, non_differentiable
from lamella_autograd.restore import is_unseen, reused
from lamella_core.ops.decomposition import (
    apply_reflections,
    permutation_matrix,
    unpack_triangles,
)
from lamella_core.ops.joining import cat
from lamella_core.ops.solving import solve_triangular
from lamella_core.tensor import Tensor


def _cholesky_ex(grads: Any, results: Any) -> Tensor | None:
    if grads[0] is None:
        return None
    factor = results[0]
    middle = (factor.mH @ grads[0]).tril()
    middle = middle * (1 - 0.5 * identity_like(middle))
    middle = solve_triangular(factor.mH, middle, upper=True)
    middle = solve_triangular(factor, middle, upper=False, left=False)
    return (middle + middle.mH) * 0.5


def _qr(grads: Any, A_shape: tuple[int, ...], mode: str, results: Any) -> Tensor | None:
    of_q, of_r = grads
    if of_q is None and of_r is None:
        return None
    rows, columns = A_shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through "
            "linalg.qr."
        )
    if mode == "complete" and rows > columns:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols; "
            "use mode='reduced'"
        )
    Q, R = results
    if rows >= columns:
        return _tall_qr(of_q, of_r, Q, R)
    rest = None if of_r is None else of_r[..., rows:]
    if rest is not None:
        # The other columns of R are Q^H A, and those of A are Q R.
        more = Q @ (R[..., rows:] @ rest.mH)
        of_q = more if of_q is None else of_q + more
    first = _tall_qr(of_q, None if of_r is None else of_r[..., :rows], Q, R[..., :rows])
    second = (Q @ rest) if rest is not None else Q.new_zeros((*A_shape[:-1], columns - rows))
    return cat([first, second], -1)


def _tall_qr(of_q: Tensor | None, of_r: Tensor | None, Q: Tensor, R: Tensor) -> Tensor:
    middle: Any = None
    if of_r is not None:
        middle = of_r @ R.mH
    if of_q is not None:
        more = Q.mH @ of_q
        middle = -more if middle is None else middle - more
    middle = middle.triu()
    middle = middle + middle.mH
    # The diagonal of R is real, so only the real part of the diagonal counts, once.
    middle = middle * (1 - 0.5 * identity_like(middle))
    total = Q @ middle
    if of_q is not None:
        total = total + of_q
    return solve_triangular(R.mH, total, upper=False, left=False)


def _lu(grads: Any, results: Any) -> Tensor | None:
    _, of_lower, of_upper = grads
    if of_lower is None and of_upper is None:
        return None
    order, lower, upper = results
    return order @ _lu_slope(lower, of_lower, upper, of_upper)


def _lu_factor_ex(grads: Any, results: Any) -> Tensor | None:
    grad = grads[0]
    if grad is None:
        return None
    packed, pivots = results[0], results[1]
    rows, columns = packed._array.shape[-2:]
    size = min(rows, columns)
    lower, upper = unpack_triangles(packed)
    slope = _lu_slope(lower, grad[..., :, :size], upper, grad[..., :size, :])
    return permutation_matrix(pivots, rows, packed) @ slope


def _lu_slope(
    lower: Tensor, of_lower: Tensor | None, upper: Tensor, of_upper: Tensor | None
) -> Tensor:
    """The gradient of ``P^T A`` from those of both factors, below and not below the diagonal."""
    rows, size = lower._array.shape[-2:]
    columns = upper._array.shape[-1]
    L, U = lower[..., :size, :], upper[..., :, :size]
    of_l = None if of_lower is None else of_lower[..., :size, :]
    of_u = None if of_upper is None else of_upper[..., :, :size].triu()
    beside = below = None
    if columns > size:
        # The other columns of U are L^-1 P^T A.
        beside = lower.new_zeros((*lower._array.shape[:-1], columns - size))
        if of_upper is not None:
            beside = solve_triangular(L.mH, of_upper[..., :, size:], upper=True, unitriangular=True)
            more = -(beside @ upper[..., :, size:].mH)
            of_l = more if of_l is None else of_l + more
    if rows > size:
        # The other rows of L are P^T A U^-1.
        below = upper.new_zeros((*upper._array.shape[:-2], rows - size, size))
        if of_lower is not None:
            below = solve_triangular(U.mH, of_lower[..., size:, :], upper=False, left=False)
            more = -(lower[..., size:, :].mH @ below)
            of_u = more if of_u is None else of_u + more
    # L^-H (tril(L^H of_l, -1) + triu(of_u U^H)) U^-H.
    middle: Any = None
    if of_u is not None:
        middle = reused(of_u @ U.mH, "triu")
    of_u = None
    if of_l is not None:
        more = reused(L.mH @ of_l.tril(-1), "tril", -1)
        middle = more if middle is None else reused(middle, "add", more)
    of_l = more = None
    middle = solve_triangular(L.mH, middle, upper=True, unitriangular=True)
    middle = solve_triangular(U.mH, middle, upper=False, left=False)
    if beside is not None:
        middle = cat([middle, beside], -1)
    if below is not None:
        middle = cat([middle, below], -2)
    return middle  # type: ignore[no-any-return]


def _apply_reflections(
    grad: Tensor,
    A: Tensor,
    tau: Tensor,
    other: Tensor,
    adjoint: bool,
    needs: tuple[bool, ...],
) -> Any:
    # X = B - V Y, where Y solves (I + D S) Y = D V^H B, or (I + D S)^H P = V^H B with Y = D^H P;
    # D = diag(tau) and S = striu(V^H V). Z solves the other system, for the gradient of Y.
    grad_b = None
    if needs[2]:
        grad_b = of_shape(apply_reflections(A, tau, grad, not adjoint), other._array.shape)
    if not (needs[0] or needs[1]):
        return None, None, grad_b
    size = tau._array.shape[-2]
    rows, columns = A._array.shape[-2:]
    V = A[..., :size].tril(-1)
    if is_unseen():
        diagonal_of(V).fill_(1)
    else:
        V = V + identity_like(A.new_empty((rows, rows)))[:, :size]
    S = reused(V.mH @ V, "triu", 1)
    inner, of_y = V.mH @ other, reused(V.mH @ grad, "neg")
    if adjoint:
        inner, of_y = of_y, inner
    # Names are given up where their memory is not needed any more.
    system = tau * S
    solved = solve_triangular(system, tau * inner, upper=True, unitriangular=True)
    inner = reused(inner, "sub", S @ solved)
    del S
    plain = solve_triangular(system.mH, of_y, upper=False, unitriangular=True)
    del system, of_y
    grad_tau = reused(conj(inner), "mul", plain).sum(-1, True)
    del inner
    plain = reused(plain, "mul", conj(tau))
    Y, of_inner = (plain, solved) if adjoint else (solved, plain)
    of_s = (Y @ of_inner.mH) if adjoint else (of_inner @ Y.mH)
    of_s = reused(reused(of_s, "neg"), "triu", 1)
    of_v = V @ (of_s + of_s.mH)
    del V, of_s
    of_v = reused(of_v, "add", other @ of_inner.mH)
    of_v = reused(reused(of_v, "sub", grad @ Y.mH), "tril", -1)
    if columns > size:
        of_v = cat([of_v, of_v.new_zeros((*of_v._array.shape[:-1], columns - size))], -1)
    return of_shape(of_v, A._array.shape), of_shape(grad_tau, tau._array.shape), grad_b


derivative("linalg_cholesky_ex", input=_cholesky_ex, keeps=(0,))
derivative("linalg_qr", A=_qr)
derivative("linalg_lu", A=_lu)
derivative("linalg_lu_factor_ex", A=_lu_factor_ex, keeps=(0, 1))
derivative("apply_reflections", joint=("A", "tau", "other"), compute=_apply_reflections)
non_differentiable("lu_permutation")
