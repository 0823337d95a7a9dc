"""Array kernels of the triangular and orthogonal factorizations."""

from __future__ import annotations

from math import prod
from typing import Any

from numpy.linalg import LinAlgError

from lamella_core.dispatch import shared_kernel


@shared_kernel("linalg_cholesky_ex")
def cholesky_ex(xp: Any, input: Any) -> Any:
    batch, size = input.shape[:-2], input.shape[-1]
    info = xp.zeros(batch, xp.int32)
    try:
        return _factor(xp, input), info
    except LinAlgError:
        matrices = input.reshape(-1, size, size)
    result = xp.full(matrices.shape, xp.nan, input.dtype)
    codes = info.reshape(-1)
    for i in range(len(matrices)):
        try:
            result[i] = _factor(xp, matrices[i])
        except LinAlgError:
            codes[i] = _first_bad_minor(xp, matrices[i])
    return xp.tril(result).reshape(input.shape), info


def _factor(xp: Any, matrices: Any) -> Any:
    # LAPACK takes NaN for a number; the last place has it, too, then.
    result = xp.linalg.cholesky(matrices)
    last = result[..., -1:, -1:]
    if xp.count_nonzero(last == last) < last.size:
        raise LinAlgError
    return result


def _first_bad_minor(xp: Any, matrix: Any) -> int:
    # The order of the first leading minor without a factor, found by bisection.
    good, bad = 0, matrix.shape[-1]
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            _factor(xp, matrix[:middle, :middle])
            good = middle
        except LinAlgError:
            bad = middle
    return bad


@shared_kernel("linalg_qr")
def qr(xp: Any, A: Any, mode: str) -> Any:
    if mode == "r":
        return xp.empty((*A.shape[:-2], 0), A.dtype), xp.linalg.qr(A, "r")
    return tuple(xp.linalg.qr(A, mode))


@shared_kernel
def geqrf(xp: Any, input: Any) -> Any:
    rows, columns = input.shape[-2:]
    if not input.size:
        return input.copy(), xp.empty((*input.shape[:-2], min(rows, columns)), input.dtype)
    transposed, tau = xp.linalg.qr(input, "raw")
    return xp.ascontiguousarray(transposed.swapaxes(-1, -2)), tau


@shared_kernel("linalg_lu_factor_ex")
def lu_factor_ex(xp: Any, A: Any) -> Any:
    return eliminate(xp, A)


def eliminate(xp: Any, matrices: Any) -> Any:
    # Gaussian elimination with partial pivoting, all matrices of the batch at once.
    rows, columns = matrices.shape[-2:]
    batch, size = matrices.shape[:-2], min(rows, columns)
    packed = xp.array(matrices, order="C").reshape(-1, rows, columns)
    count = packed.shape[0]
    pivots = xp.empty((count, size), xp.int32)
    info = xp.zeros((count,), xp.int32)
    each = xp.arange(count)
    for k in range(size):
        pivot = k + _size(packed[:, k:, k]).argmax(-1)
        pivots[:, k] = pivot + 1
        row = packed[:, k, :].copy()
        packed[:, k, :] = packed[each, pivot]
        packed[each, pivot] = row
        head = packed[:, k, k]
        zero = head == 0
        info[zero & (info == 0)] = k + 1
        factors = packed[:, k + 1 :, k]
        factors /= xp.where(zero, head.dtype.type(1), head)[:, None]
        packed[:, k + 1 :, k + 1 :] -= factors[:, :, None] * packed[:, None, k, k + 1 :]
    return (
        packed.reshape(matrices.shape),
        pivots.reshape(*batch, size),
        info.reshape(batch),
    )


@shared_kernel("linalg_lu")
def lu(xp: Any, A: Any) -> Any:
    return lu_parts(xp, *eliminate(xp, A)[:2])


def lu_parts(xp: Any, packed: Any, pivots: Any) -> Any:
    """``P``, ``L`` and ``U`` from what both factors lie in, which may be overwritten."""
    rows, columns = packed.shape[-2:]
    size = min(rows, columns)
    below = xp.tri(rows, columns, -1, bool)
    diagonal = xp.arange(size)
    lower = xp.where(below[:, :size], packed[..., :size], packed.dtype.type(0))
    lower[..., diagonal, diagonal] = 1
    upper = packed if rows == size else packed[..., :size, :].copy()
    upper[..., below[:size]] = 0
    order = lu_permutation(xp, pivots, rows)[..., None, :]
    permutation = xp.zeros((*packed.shape[:-1], rows), packed.dtype)
    xp.put_along_axis(permutation, order, 1, -2)
    return permutation, lower, upper


def _size(column: Any) -> Any:
    # What LAPACK chooses pivots by: of a complex number the sum of its parts' sizes.
    if column.dtype.kind == "c":
        return abs(column.real) + abs(column.imag)
    return abs(column)


@shared_kernel
def lu_permutation(xp: Any, pivots: Any, size: int) -> Any:
    *batch, steps = pivots.shape
    order = xp.tile(xp.arange(size), (prod(batch), 1))
    flat = pivots.reshape(len(order), steps) - 1
    if len(order) == 1:
        one = list(range(size))
        for k, place in enumerate(flat[0].tolist()):
            one[k], one[place] = one[place], one[k]
        order[0] = xp.asarray(one)
        steps = 0
    each = xp.arange(len(order))
    for k in range(steps):
        row = order[:, k].copy()
        order[:, k] = order[each, flat[:, k]]
        order[each, flat[:, k]] = row
    return order.reshape(*batch, size)
