"""Array kernels of linear systems.

Triangular systems are solved by halves, so that nearly all the work is matrix products and whole
batches go through at once.
"""

from __future__ import annotations

from typing import Any

from numpy import broadcast_shapes
from numpy.linalg import LinAlgError

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.decomposition import eliminate, lu_permutation


def pivot_codes(xp: Any, matrices: Any) -> Any:
    # LAPACK's code for each matrix: the number of the first pivot that is 0, or 0.
    return eliminate(xp, matrices)[2]


@shared_kernel("linalg_inv_ex")
def inv_ex(xp: Any, input: Any) -> Any:
    batch = input.shape[:-2]
    try:
        return xp.linalg.inv(input), xp.zeros(batch, xp.int32)
    except LinAlgError:
        info = pivot_codes(xp, input)
    result = xp.full(input.shape, xp.nan, input.dtype)
    good = info == 0
    result[good] = xp.linalg.inv(input[good])
    return result, info


@shared_kernel("linalg_solve_ex")
def solve_ex(xp: Any, A: Any, B: Any) -> Any:
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    if A.shape[:-2] != B.shape[:-2]:
        A = xp.broadcast_to(A, batch + A.shape[-2:])
        B = xp.broadcast_to(B, batch + B.shape[-2:])
    try:
        return xp.linalg.solve(A, B), xp.zeros(batch, xp.int32)
    except LinAlgError:
        info = pivot_codes(xp, A)
    result = xp.full(B.shape, xp.nan, B.dtype)
    good = info == 0
    result[good] = xp.linalg.solve(A[good], B[good])
    return result, info


def _filled(xp: Any, A: Any, B: Any) -> Any:
    solution = xp.empty(broadcast_shapes(A.shape[:-2], B.shape[:-2]) + B.shape[-2:], B.dtype)
    solution[...] = B
    return solution


@shared_kernel("linalg_solve_triangular")
def solve_triangular(xp: Any, A: Any, B: Any, upper: bool, left: bool, unitriangular: bool) -> Any:
    solution = unknowns = _filled(xp, A, B)
    if not left:
        A, unknowns, upper = A.swapaxes(-1, -2), solution.swapaxes(-1, -2), not upper
    substitute(xp, A, unknowns, upper, unitriangular)
    return solution


@shared_kernel
def cholesky_solve(xp: Any, input: Any, L: Any, upper: bool) -> Any:
    solution = _filled(xp, L, input)
    adjoint = L.conj().swapaxes(-1, -2)
    substitute(xp, adjoint if upper else L, solution, False, False)
    substitute(xp, L if upper else adjoint, solution, True, False)
    return solution


@shared_kernel
def cholesky_inverse(xp: Any, L: Any, upper: bool) -> Any:
    return cholesky_solve(xp, xp.eye(L.shape[-1], dtype=L.dtype), L, upper)


@shared_kernel("linalg_lu_solve")
def lu_solve(xp: Any, LU: Any, pivots: Any, B: Any, adjoint: bool) -> Any:
    solution = _filled(xp, LU, B)
    order = lu_permutation(xp, pivots[..., 0], B.shape[-2])[..., None]
    order = xp.broadcast_to(order, solution.shape[:-1] + (1,))
    if adjoint:
        LU, order = LU.conj().swapaxes(-1, -2), order.argsort(-2)
    else:
        solution = xp.take_along_axis(solution, order, -2)
    substitute(xp, LU, solution, False, not adjoint)
    substitute(xp, LU, solution, True, adjoint)
    return xp.take_along_axis(solution, order, -2) if adjoint else solution


# Up to this size a triangular system goes to the solver for any matrix, which is one call.
_SMALL = 32


def substitute(xp: Any, A: Any, B: Any, upper: bool, unitriangular: bool) -> None:
    # Writes the solution of ``A X = B`` over ``B``.
    size = A.shape[-1]
    if size <= 1:
        if size and not unitriangular:
            B /= A
        return
    if size <= _SMALL and B.size:
        block = _triangle(xp, A, upper, unitriangular)
        if (block.diagonal(0, -2, -1) != 0).all():
            # An upper triangle needs no exchange of rows, so that nothing but the substitution
            # rounds; a lower one is an upper one with both orders reversed.
            order = slice(None) if upper else slice(None, None, -1)
            block = xp.broadcast_to(block, B.shape[:-2] + block.shape[-2:])
            B[..., order, :] = xp.linalg.solve(block[..., order, order], B[..., order, :])
            return
    half = size // 2
    first, second = slice(half), slice(half, None)
    if upper:
        first, second = second, first
    substitute(xp, A[..., first, first], B[..., first, :], upper, unitriangular)
    B[..., second, :] -= xp.matmul(A[..., second, first], B[..., first, :])
    substitute(xp, A[..., second, second], B[..., second, :], upper, unitriangular)


def _triangle(xp: Any, A: Any, upper: bool, unitriangular: bool) -> Any:
    block = xp.triu(A) if upper else xp.tril(A)
    if unitriangular:
        places = xp.arange(A.shape[-1])
        block[..., places, places] = 1
    return block


@shared_kernel
def apply_reflections(xp: Any, A: Any, tau: Any, other: Any, adjoint: bool) -> Any:
    # The product is I - V T V^H with T = (I + D S)^-1 D, D = diag(tau) and S = striu(V^H V):
    # R. Schreiber and C. Van Loan, "A storage-efficient WY representation", 1989.
    size = tau.shape[-2]
    vectors = xp.tril(A[..., :size], -1)
    places = xp.arange(size)
    vectors[..., places, places] = 1
    turned = vectors.conj().swapaxes(-1, -2)
    system = tau * xp.triu(xp.matmul(turned, vectors), 1)
    inner = xp.matmul(turned, other)
    if adjoint:
        substitute(xp, system.conj().swapaxes(-1, -2), inner, False, True)
        inner *= tau.conj()
    else:
        inner *= tau
        substitute(xp, system, inner, True, True)
    product = xp.matmul(vectors, inner)
    return xp.subtract(other, product, product)
