"""Derivatives of inverses, linear systems and least squares.

M. B. Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation", 2008.
"""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.matrices import of_shape
from lamella_autograd.formulas import derivative
from lamella_core.conventions.common import anywhere
from lamella_core.ops.decomposition import _lu_permutation as lu_permutation
from lamella_core.ops.decomposition import _lu_solve as lu_solve_op
from lamella_core.ops.decomposition import unpack_triangles
from lamella_core.ops.eigen import pinv
from lamella_core.ops.matrix_names import cholesky_solve
from lamella_core.ops.solving import solve_ex, solve_triangular
from lamella_core.tensor import Tensor


def _inv_ex(grads: Any, results: Any) -> Tensor | None:
    if grads[0] is None:
        return None
    adjoint = results[0].mH
    return -(adjoint @ grads[0] @ adjoint)


def _solve_ex(
    grads: Any, A: Tensor, B_shape: tuple[int, ...], results: Any, needs: tuple[bool, ...]
) -> Any:
    if grads[0] is None:
        return None, None
    grad_b = solve_ex(A.mH, grads[0])[0]
    grad_a = None
    if needs[0]:
        grad_a = of_shape(-(grad_b @ results[0].mH), A._array.shape)
    return grad_a, of_shape(grad_b, B_shape)


def _solve_triangular(
    grad: Tensor,
    A: Tensor,
    B_shape: tuple[int, ...],
    upper: bool,
    left: bool,
    unitriangular: bool,
    result: Tensor,
    needs: tuple[bool, ...],
) -> Any:
    grad_b = solve_triangular(A.mH, grad, upper=not upper, left=left, unitriangular=unitriangular)
    grad_a = None
    if needs[0]:
        grad_a = -(grad_b @ result.mH) if left else -(result.mH @ grad_b)
        skipped = int(unitriangular)
        grad_a = grad_a.triu(skipped) if upper else grad_a.tril(-skipped)
        grad_a = of_shape(grad_a, A._array.shape)
    return grad_a, of_shape(grad_b, B_shape)


def _cholesky_solve(
    grad: Tensor,
    input_shape: tuple[int, ...],
    L: Tensor,
    upper: bool,
    result: Tensor,
    needs: tuple[bool, ...],
) -> Any:
    grad_b = cholesky_solve(grad, L, upper)
    grad_l = None
    if needs[1]:
        # The whole of L, as in PyTorch, though the op reads one triangle.
        both = grad_b @ result.mH
        both = both + both.mH
        grad_l = of_shape(-(L @ both) if upper else -(both @ L), L._array.shape)
    return of_shape(grad_b, input_shape), grad_l


def _cholesky_inverse(grad: Tensor, L: Tensor, upper: bool, result: Tensor) -> Tensor:
    middle = result @ (grad + grad.mH) @ result
    return -(L @ middle if upper else middle @ L)


def _lu_solve(
    grad: Tensor,
    LU: Tensor,
    pivots: Tensor,
    B_shape: tuple[int, ...],
    adjoint: bool,
    result: Tensor,
    needs: tuple[bool, ...],
) -> Any:
    grad_b = lu_solve_op(LU, pivots, grad, not adjoint)
    grad_lu = None
    if needs[0]:
        # Of A = P L U; then of both factors, from the rows in the order of P^T A.
        left, right = (result, grad_b) if adjoint else (grad_b, result)
        order = lu_permutation(pivots.squeeze(-1), LU._array.shape[-1]).unsqueeze(-1)
        middle = -(left.take_along_dim(order, -2) @ right.mH)
        L, U = unpack_triangles(LU)
        grad_lu = (middle @ U.mH).tril(-1) + (L.mH @ middle).triu()
        grad_lu = of_shape(grad_lu, LU._array.shape)
    return grad_lu, of_shape(grad_b, B_shape)


def pinv_input(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    """The adjoint of ``dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P``."""
    adjoint, turned = result.mH, grad.mH
    first = _chain(turned, result, adjoint)
    second = _chain(adjoint, result, turned)
    return (
        first - _chain(input, result, first) + second - _chain(second, result, input)
        - _chain(adjoint, grad, adjoint)
    )  # fmt: skip


def _chain(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
    """A product of matrices ``(m, n)``, ``(n, m)`` and ``(m, n)``, by the smaller square."""
    rows, columns = left._array.shape[-2:]
    return left @ (middle @ right) if columns < rows else (left @ middle) @ right


def _lstsq(
    grads: Any,
    A: Tensor,
    B: Tensor,
    rcond: float,
    driver: str,
    results: Any,
    needs: tuple[bool, ...],
) -> Any:
    solution, residuals = grads[0], grads[1]
    X = results[0]
    inverse = pinv(A, rcond)
    rest = B - A @ X
    # Projected once more: rounding in X leaves a part of the column space in it.
    rest = rest - A @ (inverse @ rest)
    grad_a = grad_b = None
    if solution is not None:
        grad_b = inverse.mH @ solution
        if needs[0]:
            # pinv_input for the gradient ``solution @ B^H``, with P B = X put in; at full rank
            # one or both of the projections are 0 but for rounding.
            rows, columns = A._array.shape[-2:]
            full = driver == "gels" or not anywhere(results[2] != min(rows, columns))
            grad_a = -(grad_b @ X.mH)
            if rows > columns or not full:
                grad_a = grad_a + rest @ (inverse @ grad_b).mH
            if rows < columns or not full:
                in_null_space = solution - inverse @ (A @ solution)
                grad_a = grad_a + (inverse.mH @ X) @ in_null_space.mH
    if residuals is not None and results[1]._array.size:
        slope = 2 * residuals.unsqueeze(-2) * rest
        if needs[0]:
            more = -(slope @ X.mH)
            grad_a = more if grad_a is None else grad_a + more
        if needs[1]:
            grad_b = slope if grad_b is None else grad_b + slope
    if grad_a is not None:
        grad_a = of_shape(grad_a, A._array.shape)
    if grad_b is not None:
        grad_b = of_shape(grad_b, B._array.shape)
    return grad_a, grad_b


derivative("linalg_inv_ex", input=_inv_ex, keeps=(0,))
derivative("linalg_solve_ex", joint=("A", "B"), compute=_solve_ex, keeps=(0,))
derivative("linalg_solve_triangular", joint=("A", "B"), compute=_solve_triangular)
derivative("cholesky_solve", joint=("input", "L"), compute=_cholesky_solve)
derivative("cholesky_inverse", L=_cholesky_inverse)
derivative("linalg_lu_solve", joint=("LU", "B"), compute=_lu_solve)
derivative("linalg_lstsq", joint=("A", "B"), compute=_lstsq, keeps=(0, 1, 2))
derivative("linalg_pinv", input=pinv_input)
