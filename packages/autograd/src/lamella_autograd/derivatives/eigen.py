"""Derivatives of eigenvalues and singular values.

Vectors are fixed up to a factor of size 1 only; where a loss depends on that factor, it has no
gradient, which for complex matrices is an error here.
"""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.matrices import diagonal_of, gaps_of, off_diagonal_over
from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative, pushforward
from lamella_autograd.restore import reused
from lamella_core.conventions.common import anywhere
from lamella_core.ops.eigen import eig, eigh, svd
from lamella_core.ops.joining import cat
from lamella_core.ops.solving import solve
from lamella_core.tensor import Tensor


def _check_phase(op_name: str, phase: Tensor) -> None:
    if not phase._array.size:
        return
    if anywhere(phase.detach().abs() > 1e-2):
        raise RuntimeError(
            f"{op_name}: The eigenvectors or singular vectors in the complex case are specified up "
            f"to multiplication by e^(i phi). The specified loss function depends on this "
            f"quantity, so it is ill-defined."
        )


def _eigh(grads: Any, results: Any) -> Tensor | None:
    of_values, of_vectors = grads
    values, vectors = results
    if of_vectors is None:
        if of_values is None:
            return None
        return (vectors * of_values.unsqueeze(-2)) @ vectors.mH
    middle: Any = vectors.mH @ of_vectors
    if vectors._dtype.is_complex:
        _check_phase("linalg_eigh_backward", diagonal_of(middle).imag)
    middle = off_diagonal_over(middle, gaps_of(values))
    if of_values is not None:
        middle = middle + of_values.diag_embed().to(middle._dtype)
    middle = vectors @ middle
    return middle @ vectors.mH  # type: ignore[no-any-return]


def _eigvalsh(grad: Tensor, A: Tensor, UPLO: str) -> Tensor:
    vectors = eigh(A, UPLO)[1]
    return (vectors * grad.unsqueeze(-2)) @ vectors.mH


def _eig(grads: Any, results: Any) -> Tensor | None:
    of_values, of_vectors = grads
    values, vectors = results
    if of_vectors is None:
        if of_values is None:
            return None
        return solve(vectors.mH, of_values.unsqueeze(-1) * vectors.mH)
    adjoint = vectors.mH
    middle = adjoint @ of_vectors
    sizes = diagonal_of(middle)
    _check_phase("linalg_eig_backward", sizes.imag)
    middle = middle - (adjoint @ vectors) * sizes.real.unsqueeze(-2)
    middle = off_diagonal_over(middle, conj(gaps_of(values)))
    if of_values is not None:
        middle = middle + of_values.diag_embed()
    return solve(adjoint, middle @ adjoint)


def _eigvals(grad: Tensor, input: Tensor) -> Tensor:
    adjoint = eig(input)[1].mH
    return solve(adjoint, grad.unsqueeze(-1) * adjoint)


def _svd(grads: Any, A_shape: tuple[int, ...], results: Any) -> Tensor | None:
    of_u, of_s, of_vh = grads
    U, S, Vh = results
    if of_u is None and of_s is None and of_vh is None:
        return None
    rows, columns = A_shape[-2:]
    size = min(rows, columns)
    # Beyond the first min(m, n) columns only the space is fixed, which has no gradient here.
    U, Vh = U[..., :, :size], Vh[..., :size, :]
    if of_u is None and of_vh is None:
        return (U * of_s.unsqueeze(-2)) @ Vh
    of_u = None if of_u is None else of_u[..., :, :size]
    of_v = None if of_vh is None else of_vh[..., :size, :].mH
    V = Vh.mH
    left = None if of_u is None else _skew(U.mH @ of_u)
    right = None if of_v is None else _skew(V.mH @ of_v)
    squares = gaps_of(S * S)
    middle: Any = None
    if left is not None:
        middle = off_diagonal_over(left, squares) * S.unsqueeze(-2)
    if right is not None:
        more = S.unsqueeze(-1) * off_diagonal_over(right, squares)
        middle = more if middle is None else middle + more
    if U._dtype.is_complex:
        phases = [diagonal_of(each) for each in (left, right) if each is not None]
        _check_phase("svd_backward", sum(phases[1:], phases[0]).imag)
        if left is not None:
            middle = middle + (phases[0] / (2 * S)).diag_embed()
    if of_s is not None:
        middle = middle + of_s.diag_embed().to(middle._dtype)
    total = U @ middle @ Vh
    if rows > columns and of_u is not None:
        scaled = of_u / S.unsqueeze(-2)
        total = total + (scaled - U @ (U.mH @ scaled)) @ Vh
    if columns > rows and of_v is not None:
        scaled = (of_v / S.unsqueeze(-2)).mH
        total = total + U @ (scaled - (scaled @ V) @ Vh)
    return total


def _skew(matrix: Tensor) -> Tensor:
    return matrix - matrix.mH


def _svdvals(grad: Tensor, A: Tensor) -> Tensor:
    U, _, Vh = svd(A, full_matrices=False)
    return reused(U, "mul", grad.unsqueeze(-2)) @ Vh


derivative("linalg_eigh", A=_eigh)
derivative("linalg_eigvalsh", A=_eigvalsh)
derivative("linalg_eig", input=_eig)
derivative("linalg_eigvals", input=_eigvals)
derivative("linalg_svd", A=_svd)
derivative("linalg_svdvals", A=_svdvals)


@pushforward("linalg_eigh")
def _eigh_forward(tangent: Tensor, results: Any, A: Tensor, UPLO: str) -> tuple[Tensor, Tensor]:
    L, V = results
    turned = V.mH @ tangent @ V
    slopes = diagonal_of(turned)
    slopes = slopes.real if slopes._dtype.is_complex else slopes
    return slopes.clone(), V @ off_diagonal_over(turned, gaps_of(L))


@pushforward("linalg_eig")
def _eig_forward(tangent: Tensor, results: Any, input: Tensor) -> tuple[Tensor, Tensor]:
    """The eigenvectors keep their norms."""
    L, V = results
    turned = solve(V, tangent.to(V._dtype) @ V)
    moved = V @ off_diagonal_over(turned, gaps_of(L))
    along = (conj(V) * moved).sum(-2, keepdim=True).real
    return diagonal_of(turned).clone(), moved - V * along


@pushforward("linalg_svd")
def _svd_forward(
    tangent: Tensor, results: Any, A: Tensor, full_matrices: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The turn of left and right vectors, half of the free phases to each; then what leaves their
    spaces."""
    U, S, Vh = results
    rows, columns = A._array.shape[-2:]
    size = min(rows, columns)
    left, right = U[..., :, :size], Vh[..., :size, :].mH
    inner = left.mH @ tangent @ right
    along, across = S.unsqueeze(-2), S.unsqueeze(-1)
    squares = gaps_of(S * S)
    turn_left = off_diagonal_over(inner * along + across * inner.mH, squares)
    turn_right = off_diagonal_over(across * inner + inner.mH * along, squares)
    slopes = diagonal_of(inner)
    if A._dtype.is_complex:
        phases = (slopes - conj(slopes)) / (4 * S)
        turn_left = turn_left + phases.diag_embed()
        turn_right = turn_right - phases.diag_embed()
        slopes = slopes.real
    move_left, move_right = left @ turn_left, right @ turn_right
    if rows > columns:
        out = tangent @ right
        move_left = move_left + (out - left @ (left.mH @ out)) / along
    if columns > rows:
        out = tangent.mH @ left
        move_right = move_right + (out - right @ (right.mH @ out)) / along
    if full_matrices:
        move_left = _with_rest(move_left, left, U[..., :, size:])
        move_right = _with_rest(move_right, right, Vh[..., size:, :].mH)
    return move_left, slopes.clone(), move_right.mH


def _with_rest(moved: Tensor, vectors: Tensor, rest: Tensor) -> Tensor:
    """The tangents of vectors and of those that complete them to a basis, which they push along."""
    if not rest._array.shape[-1]:
        return moved
    return cat([moved, -vectors @ (moved.mH @ rest)], -1)
