"""The functions on matrices that stand in ``torch``; ``torch.linalg`` has their successors."""

from __future__ import annotations

from typing import Any

from lamella_core import dtype as dtypes
from lamella_core import return_types
from lamella_core.composite import checked, composite
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.results import write_out, write_outs
from lamella_core.ops import decomposition, determinant, eigen, solving
from lamella_core.ops.matrix_checks import check_matrix, check_same_type, check_square
from lamella_core.ops.solving import check_batches
from lamella_core.tensor import Tensor

__all__ = [
    "cholesky_inverse", "cholesky_solve", "det", "geqrf", "inverse", "lu_unpack", "orgqr", "ormqr",
    "pinverse", "slogdet",
]  # fmt: skip


@composite()
def det(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Determinant of square matrices; see :func:`linalg.det`."""
    return determinant.det(input, out=out)


@composite()
def slogdet(input: Tensor, *, out: Any = None) -> Any:
    """Sign and logarithm of the determinant's size; see :func:`linalg.slogdet`."""
    return return_types.slogdet(*determinant.slogdet(input, out=out))


@composite()
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Inverse of square matrices; see :func:`linalg.inv`."""
    return solving.inv(input, out=out)


@composite()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Moore-Penrose inverse; see :func:`linalg.pinv`, whose tolerance is wider by default."""
    return eigen.pinv(input, rcond)


# ------------ Cholesky


_cholesky_solve = arrays()("cholesky_solve(input: Tensor, L: Tensor, upper: bool)")


@composite()
def cholesky_solve(
    input: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The solution ``X`` of ``A X = B`` from the Cholesky factor of ``A``.

    Args:
        input: ``B``, ``(..., n, k)``; batches broadcast.
        L: the factor, ``(..., n, n)``; the other triangle is not read.
        upper: whether the factor is upper triangular.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    op_name = "cholesky_solve"
    check_matrix(op_name, input, "b", types=False)
    check_matrix(op_name, L, "u", types=False)
    check_square(op_name, L, "u")
    check_same_type(op_name, input, L, ("b", "A"))
    check_batches(op_name, L, input)
    rows, columns = input._array.shape[-2:]
    size = L._array.shape[-1]
    if rows != size:
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {size} by {size} but "
            f"each b matrix is {rows} by {columns}"
        )
    return write_out(op_name, _cholesky_solve(input, L, upper), out)


_cholesky_inverse = arrays()("cholesky_inverse(L: Tensor, upper: bool)")


@composite()
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``A`` from its Cholesky factor, ``(..., n, n)``.

    Raises:
        RuntimeError: when the matrices are not square or have another type.
    """
    check_square("cholesky_inverse", L)
    return write_out("cholesky_inverse", _cholesky_inverse(L, upper), out)


# ------------ QR


_geqrf = arrays(returns=return_types.geqrf)("geqrf(input: Tensor)")


@composite()
def geqrf(input: Tensor, *, out: Any = None) -> Any:
    """``A = Q R`` in LAPACK's packed form, for :func:`orgqr` and :func:`ormqr`.

    Args:
        input: ``(..., m, n)``, float32, float64 or complex.

    Returns:
        A named tuple ``(a, tau)``: ``R`` in the upper triangle, the vectors of the reflections
        below it, and their scales. It has no gradient.

    Raises:
        RuntimeError: for fewer than 2 dimensions or another type.
    """
    check_matrix("geqrf", input, "input")
    return write_outs("geqrf", _geqrf(input), out, exact=False)


@composite()
def orgqr(input: Tensor, input2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The columns of ``Q`` from :func:`geqrf`; see :func:`linalg.householder_product`."""
    return decomposition.householder_product(input, input2, out=out)


@composite()
def ormqr(
    input: Tensor,
    tau: Tensor,
    other: Tensor,
    left: bool = True,
    transpose: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """``Q other`` or ``other Q``, ``Q`` being the whole square matrix from :func:`geqrf`.

    Args:
        input: ``(..., mn, k)``; ``mn`` is ``m`` for ``left``, otherwise ``n``.
        tau: ``(..., min(mn, k))`` or shorter.
        other: ``(..., m, n)``.
        left: on which side ``Q`` stands.
        transpose: ``Q^H`` in the place of ``Q``.

    Raises:
        RuntimeError: when shapes or types do not fit.
    """
    for name, each in (("input", input), ("other", other)):
        check_matrix("torch.ormqr", each, name)
    check_same_type("torch.ormqr", input, tau, ("input", "tau"))
    check_same_type("torch.ormqr", input, other, ("input", "other"))
    shape, scales, target = input._array.shape, tau._array.shape, other._array.shape
    side = -2 if left else -1
    if not scales or target[side] < scales[-1]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{side}] must be greater than or equal to tau.shape[-1], got "
            f"other of shape {list(target)} and tau of shape {list(scales)}"
        )
    if target[side] != shape[-2]:
        raise RuntimeError(
            f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2], got shapes "
            f"{list(target)} and {list(shape)}"
        )
    if scales[-1] > shape[-1]:
        raise RuntimeError(
            f"torch.ormqr: tau.shape[-1] must be less than or equal to input.shape[-1], got "
            f"{scales[-1]} and {shape[-1]}"
        )
    if not scales[:-1] == shape[:-2] == target[:-2]:
        raise RuntimeError(
            f"torch.ormqr: Expected batch dimensions to be equal, got input {list(shape)}, tau "
            f"{list(scales)} and other {list(target)}"
        )
    if not other._array.size:
        return write_out("ormqr", other.clone(), out)
    tau = tau.unsqueeze(-1)
    if left:
        result = decomposition.apply_reflections(input, tau, other, transpose)
    else:
        # other Q is the adjoint of Q^H other^H.
        result = decomposition.apply_reflections(input, tau, other.mH, not transpose).mH
    return write_out("ormqr", result, out)


# ------------ LU


@checked
def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Any = None,
) -> Any:
    """The matrices ``P``, ``L`` and ``U`` from the result of :func:`linalg.lu_factor`.

    Args:
        LU_data, LU_pivots: ``(..., m, n)`` and int32 ``(..., min(m, n))``.
        unpack_data: whether ``L`` and ``U`` are wanted; otherwise they are empty.
        unpack_pivots: the same of ``P``.

    Returns:
        A named tuple ``(P, L, U)``.

    Raises:
        RuntimeError: for pivots of another type than int32, or shapes that do not fit.
    """
    check_matrix("torch.lu_unpack", LU_data, "LU_data")
    if unpack_pivots and LU_pivots._dtype is not dtypes.int32:
        raise RuntimeError(
            f"torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            f"dtype, got {LU_pivots._dtype!r}; use the pivots that lu_factor gave"
        )
    *batch, rows, columns = LU_data._array.shape
    if unpack_pivots and LU_pivots._array.shape != (*batch, min(rows, columns)):
        raise RuntimeError(
            f"torch.lu_unpack: LU_pivots of shape {list(LU_pivots._array.shape)} does not fit "
            f"LU_data of shape {list(LU_data._array.shape)}"
        )
    permutation, lower, upper = (LU_data.new_zeros((0,)) for _ in range(3))
    if unpack_data:
        lower, upper = decomposition.unpack_triangles(LU_data)
    if unpack_pivots:
        permutation = decomposition.permutation_matrix(LU_pivots, rows, LU_data)
    return write_outs("lu_unpack", return_types.lu_unpack(permutation, lower, upper), out)


# ------------ singular values
