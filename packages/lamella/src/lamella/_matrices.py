"""Kernels of one large matrix each on the CPU, by SciPy's LAPACK.

NumPy's LAPACK computes float32 in float64, in copies of all operands. SciPy's computes in the type
itself, in memory that it is given. It takes matrices column by column, so that a row-major one is
its own transpose to it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.extras import scipy_module
from lamella_core.kernels import decomposition, eigen, solving
from lamella_core.offers import room
from lamella_core.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

# Elements of a large matrix, of parts that are exchanged, and the side of blocks that are turned.
_LARGE = 24576
_PART = 32768
_BLOCK = 128


def _routine(name: str, array: np.ndarray, package: str = "lapack") -> Callable[..., Any]:
    return getattr(scipy_module(f"linalg.{package}"), "sdcz"["fdFD".index(array.dtype.char)] + name)


def _code(value: int = 0) -> np.ndarray:
    return np.asarray(value, np.int32)


def _copy(A: np.ndarray) -> np.ndarray:
    result = room(np, A.shape, A.dtype, True)
    result[...] = A
    return result


def _turn(matrix: np.ndarray) -> np.ndarray:
    """Transposes a square matrix in its memory; returns its transpose as a view."""
    for i in range(0, len(matrix), _BLOCK):
        for j in range(0, i + 1, _BLOCK):
            above, below = (
                matrix[j : j + _BLOCK, i : i + _BLOCK],
                matrix[i : i + _BLOCK, j : j + _BLOCK],
            )
            above[...], below[...] = below.T.copy(), above.T.copy()
    return matrix.T


def _reverse(matrix: np.ndarray) -> np.ndarray:
    """Turns round the order of the elements of a row-major matrix in its memory."""
    flat = matrix.reshape(-1)
    back, half = flat[::-1], flat.size // 2
    for start in range(0, half, _PART):
        part = slice(start, min(start + _PART, half))
        flat[part], back[part] = back[part].copy(), flat[part].copy()
    return matrix


# ------------ factorizations


def cholesky_ex(A: np.ndarray) -> Any:
    """Of the transpose, whose upper factor is the transpose of the lower one."""
    factor = _copy(A)
    _, info = _routine("potrf", A)(factor.T, lower=0, overwrite_a=1)
    valid = not info and factor[-1, -1] == factor[-1, -1]
    return (factor, _code()) if valid else decomposition.cholesky_ex(np, A)


def _reflections(A: np.ndarray) -> Any:
    # The factorization M = R Q of the transpose of A with its rows and columns in reversed order:
    # it makes the reflections of A = Q R, and each of its arrays is one of these reversed.
    packed = np.array(A[::-1, ::-1], order="C")
    _, tau, _, _ = _routine("gerqf", A)(packed.T, lwork=32 * A.shape[1], overwrite_a=1)
    return packed, tau


def geqrf(A: np.ndarray) -> Any:
    """In the memory of the result."""
    packed, tau = _reflections(A)
    return _reverse(packed), tau[::-1].conj()


def qr(A: np.ndarray, mode: str) -> Any:
    """In the memory of the larger factor."""
    rows, columns = A.shape
    size = min(A.shape)
    R, tau = _reflections(A)
    Q = np.empty((0,), A.dtype)
    width = rows if mode == "complete" else size
    if mode == "r":
        R = np.array(_reverse(R)[:size], copy=None if size == rows else True)
    elif width == columns:
        Q, R = R, R[::-1, ::-1][:size].copy()
    else:
        Q = np.zeros((rows, width), A.dtype)
        Q[:, width - size :] = R[:, columns - size :]
        _reverse(R)
    if mode != "r":
        name = "ungrq" if A.dtype.kind == "c" else "orgrq"
        _routine(name, A)(Q.T, tau, lwork=32 * width, overwrite_a=1)
        _reverse(Q)
    for i, row in enumerate(R):
        row[:i] = 0
    return Q, R


def lu_factor_ex(A: np.ndarray) -> Any:
    """In the memory of the result, where that can be turned."""
    if A.shape[0] == A.shape[1]:
        packed = _copy(A)
        _, swaps, info = _routine("getrf", A)(_turn(packed), overwrite_a=1)
        _turn(packed)
    else:
        packed, swaps, info = _routine("getrf", A)(np.array(A, order="F"), overwrite_a=1)
        packed = np.ascontiguousarray(packed)
    return packed, swaps + np.int32(1), _code(info)


def lu(A: np.ndarray) -> Any:
    """In the memory of the results."""
    packed, pivots, _ = lu_factor_ex(A)
    size = len(pivots)
    lower = np.zeros((len(A), size), A.dtype)
    for i, row in enumerate(packed):
        lower[i, :i] = row[: min(i, size)]
        row[:i] = 0
    np.fill_diagonal(lower, 1)
    permutation = np.zeros((len(A), len(A)), A.dtype)
    permutation[decomposition.lu_permutation(np, pivots, len(A)), np.arange(len(A))] = 1
    return permutation, lower, packed if size == len(A) else packed[:size].copy()


def ldl_factor_ex(A: np.ndarray, hermitian: bool) -> Any:
    """In the memory of the result."""
    packed = _copy(A)
    name = "hetrf" if hermitian and A.dtype.kind == "c" else "sytrf"
    _, pivots, info = _routine(name, A)(_turn(packed), lower=1, lwork=64 * len(A), overwrite_a=1)
    _turn(packed)
    for i, row in enumerate(packed):
        row[i + 1 :] = 0
    return packed, pivots, _code(info)


def svd(A: np.ndarray, full_matrices: bool) -> Any:
    """Of the transpose, whose factors are the transposes of the other side's."""
    left, values, right = _svd(A, True, full_matrices)
    return right.T, values, left.T


def _svd(A: np.ndarray, vectors: bool, full_matrices: bool = False) -> Any:
    options = {"compute_uv": vectors, "full_matrices": full_matrices}
    work, _ = _routine("gesdd_lwork", A)(A.shape[1], A.shape[0], **options)
    *results, info = _routine("gesdd", A)(
        np.array(A, order="C").T, lwork=int(work.real), overwrite_a=1, **options
    )
    if info:
        # What has no answer is told of in NumPy's way, and so below.
        return eigen.svd(np, A, full_matrices) if vectors else (None, eigen.svdvals(np, A), None)
    return results


def svdvals(A: np.ndarray) -> np.ndarray:
    """As :func:`svd`."""
    return _svd(A, False)[1]


def _eigh(A: np.ndarray, UPLO: str, vectors: bool) -> Any:
    # Of the transpose, which is the conjugate.
    own = _copy(A) if vectors else np.array(A, order="C")
    name = "heevd" if A.dtype.kind == "c" else "syevd"
    options = {"compute_v": vectors, "lower": UPLO == "U"}
    *work, _ = _routine(f"{name}_lwork", A)(len(A), **options)
    sizes = zip(("lwork", "liwork", "lrwork"), (int(each.real) for each in work), strict=False)
    values, _, info = _routine(name, A)(own.T, overwrite_a=1, **options, **dict(sizes))
    if info:
        return eigen.eigh(np, A, UPLO)
    if vectors:
        _turn(own)
        np.conjugate(own, own)
    return values, own


def eigh(A: np.ndarray, UPLO: str) -> Any:
    """In the memory of the result, with LAPACK's workspace of twice that."""
    return _eigh(A, UPLO, True)


def eigvalsh(A: np.ndarray, UPLO: str) -> np.ndarray:
    """With a copy of the matrix."""
    return _eigh(A, UPLO, False)[0]


def apply_reflections(A: np.ndarray, tau: np.ndarray, other: np.ndarray, adjoint: bool) -> Any:
    """In the memory of the result, whose transpose is multiplied from the right."""
    result = _copy(other)
    size, is_complex = len(tau), A.dtype.kind == "c"
    if is_complex:
        # The transpose of Q is the conjugate of its adjoint.
        np.conjugate(result, result)
    _routine("unmqr" if is_complex else "ormqr", A)(
        "R",
        "N" if adjoint else "C" if is_complex else "T",
        np.array(A[:, :size], order="F"),
        tau[:, 0],
        result.T,
        32 * result.shape[1],
        overwrite_c=1,
    )
    return np.conjugate(result, result) if is_complex else result


# ------------ systems


def _substitute(A: np.ndarray, B: np.ndarray, upper: bool, unitriangular: bool = False) -> None:
    by_columns, turned = A.flags.f_contiguous, B.flags.c_contiguous
    _routine("trsm", A, "blas")(
        1,
        A if by_columns else A.T,
        B.T if turned else B,
        side=turned,
        lower=upper != by_columns,
        trans_a=by_columns == turned,
        diag=unitriangular,
        overwrite_b=1,
    )


def solve_triangular(
    A: np.ndarray, B: np.ndarray, upper: bool, left: bool, unitriangular: bool
) -> np.ndarray:
    """In the memory of the result."""
    solution = _copy(B)
    if left:
        _substitute(A, solution, upper, unitriangular)
    else:
        _substitute(A.T, solution.T, not upper, unitriangular)
    return solution


def cholesky_solve(B: np.ndarray, L: np.ndarray, upper: bool) -> np.ndarray:
    """In the memory of the result."""
    solution, adjoint = _copy(B), L.conj().T
    _substitute(adjoint if upper else L, solution, False)
    _substitute(L if upper else adjoint, solution, True)
    return solution


def lu_solve(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool) -> np.ndarray:
    """In the memory of the result."""
    order = decomposition.lu_permutation(np, pivots[:, 0], len(LU))
    solution = _copy(B)
    if adjoint:
        LU = LU.conj().T
    else:
        _reorder(solution, order)
    _substitute(LU, solution, False, not adjoint)
    _substitute(LU, solution, True, adjoint)
    if adjoint:
        _reorder(solution, order.argsort())
    return solution


def _reorder(matrix: np.ndarray, order: np.ndarray) -> None:
    # Puts rows in an order, some columns at a time.
    for part in np.array_split(matrix, 16, 1):
        part[...] = part[order]


def inv_ex(A: np.ndarray) -> Any:
    """Of the transpose, in the memory of the result."""
    inverse = _copy(A)
    packed, swaps, info = _routine("getrf", A)(inverse.T, overwrite_a=1)
    if info:
        return solving.inv_ex(np, A)
    _routine("getri", A)(packed, swaps, lwork=64 * len(A), overwrite_lu=1)
    return inverse, _code()


def cholesky_inverse(L: np.ndarray, upper: bool) -> np.ndarray:
    """In the memory of the result; the transpose's factor is of the conjugate."""
    inverse = _copy(L)
    _, info = _routine("potri", L)(inverse.T, lower=upper, overwrite_c=1)
    if info:
        return solving.cholesky_inverse(np, L, upper)
    for i, row in enumerate(inverse):
        if upper:
            inverse[i + 1 :, i] = row[i + 1 :].conj()
        else:
            inverse[:i, i] = row[:i].conj()
    return inverse


def solve_ex(A: np.ndarray, B: np.ndarray) -> Any:
    """With a copy of ``A`` for its factors."""
    packed, swaps, info = _routine("getrf", A)(np.array(A, order="F"), overwrite_a=1)
    if info:
        return solving.solve_ex(np, A, B)
    return lu_solve(packed, swaps[:, None] + 1, B, False), _code()


def _sign_and_diagonal(A: np.ndarray) -> Any:
    # Of the transpose's factor, in double precision.
    packed, swaps, _ = _routine("getrf", A)(np.array(A, order="C").T, overwrite_a=1)
    exchanges = np.count_nonzero(swaps != np.arange(len(A)))
    return (-1) ** exchanges, packed.diagonal().astype(np.result_type(A.dtype, np.float64))


def det(A: np.ndarray) -> np.ndarray:
    """The product of the pivots."""
    sign, pivots = _sign_and_diagonal(A)
    return np.asarray((sign * np.multiply.reduce(pivots)).astype(A.dtype))


def slogdet(A: np.ndarray) -> Any:
    """The sum of the pivots' logarithms."""
    sign, pivots = _sign_and_diagonal(A)
    size = abs(pivots)
    sign = sign * np.multiply.reduce(pivots / np.where(size, size, 1))
    logarithm = np.add.reduce(np.log(size))
    return np.asarray(sign.astype(A.dtype)), np.asarray(logarithm.astype(A.real.dtype))


def over(
    large: Callable[..., Any], count: int, inner: Any, below: Callable[..., Any]
) -> Callable[..., Any]:
    """The kernel for one matrix in the place of the one below, where matrices are large; between
    the two stands an override ``inner`` for batches."""
    in_parts, large = inner(below), quiet(large)

    def call(*args: Any) -> Any:
        if args[0].size < _LARGE > args[count - 1].size:
            return below(*args)
        return each_of_batch(args)

    def each_of_batch(args: tuple[Any, ...]) -> Any:
        matrices, options = args[:count], args[count:]
        sizes = [prod(each.shape[-2:]) for each in matrices]
        batch = np.broadcast_shapes(*[each.shape[:-2] for each in matrices])
        if max(sizes) < _LARGE or not (min(sizes) and prod(batch)):
            return in_parts(*args)
        if not batch:
            return large(*args)
        targets: list[np.ndarray] = []
        for place in np.ndindex(batch):
            some = [np.broadcast_to(each, batch + each.shape[-2:])[place] for each in matrices]
            results = large(*some, *options)
            several = results.__class__ is tuple
            for i, each in enumerate(results if several else (results,)):
                if len(targets) == i:
                    targets.append(room(np, batch + each.shape, each.dtype))
                targets[i][place] = each
        return tuple(targets) if several else targets[0]

    return call
