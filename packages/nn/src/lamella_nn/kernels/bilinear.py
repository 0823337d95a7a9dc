"""Array kernels of forms linear in each of three arrays, some outputs and rows at a time.

The weight is a matrix of a row for each output and element on the left, so that each part is one
product of matrices, before or after a product of elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.precision import compute_type, put

if TYPE_CHECKING:
    from collections.abc import Iterator

# Elements of a part of what is between two operands on the CPU, and its rows where there are many.
_BLOCK = 65536
_ROWS = 256


def _kind(array: Any) -> Any:
    return array.dtype if array.dtype.kind in "iu" else compute_type(array.dtype)


def _steps(xp: Any, rows: int, outputs: int, size: int) -> tuple[int, int]:
    """How many rows and outputs there are in a part; all of them on a GPU."""
    if xp is not np:
        return max(rows, 1), max(outputs, 1)
    size = max(size, 1)
    some = max(min(_ROWS, _BLOCK // size), _BLOCK // max(outputs * size, 1), 1)
    some = max(min(some, rows), 1)
    return some, max(1, _BLOCK // (some * size))


def _cut(count: int, step: int) -> Iterator[slice]:
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _matrix(weight: Any, kind: Any) -> Any:
    return converted(weight, kind).reshape(-1, weight.shape[2])


def _outer(grad: Any, side: Any) -> Any:
    """``(rows, outputs * elements)``."""
    return (grad[:, :, None] * side[:, None]).reshape(len(grad), -1)


@shared_kernel
def bilinear_form(xp: Any, left: Any, right: Any, weight: Any) -> Any:
    (outputs, size, _), kind = weight.shape, _kind(left)
    result = xp.empty((len(left), outputs), left.dtype)
    some, each = _steps(xp, len(left), outputs, size)
    for part in _cut(outputs, each):
        matrix = _matrix(weight[part], kind).T
        for rows in _cut(len(left), some):
            between = xp.matmul(converted(right[rows], kind), matrix)
            between = between.reshape(len(between), -1, size)
            put(result[rows, part], xp.einsum("roi,ri->ro", between, converted(left[rows], kind)))
    return result


@shared_kernel
def bilinear_side(xp: Any, grad: Any, side: Any, weight: Any, of_left: bool) -> Any:
    (outputs, size, other), kind = weight.shape, _kind(grad)
    result = xp.empty((len(grad), size if of_left else other), grad.dtype)
    some, each = _steps(xp, len(grad), outputs, size)
    for rows in _cut(len(grad), some):
        above, given = converted(grad[rows], kind), converted(side[rows], kind)
        total = xp.zeros((len(given), result.shape[1]), kind)
        for part in _cut(outputs, each):
            matrix = _matrix(weight[part], kind)
            if of_left:
                between = xp.matmul(given, matrix.T).reshape(len(given), -1, size)
                total += xp.einsum("ro,roi->ri", above[:, part], between)
            else:
                total += xp.matmul(_outer(above[:, part], given), matrix)
        put(result[rows], total)
    return result


@shared_kernel
def bilinear_weight(xp: Any, grad: Any, left: Any, right: Any) -> Any:
    outputs, size, kind = grad.shape[1], left.shape[1], _kind(grad)
    result = xp.zeros((outputs, size, right.shape[1]), grad.dtype)
    some, each = _steps(xp, len(grad), outputs, size)
    for part in _cut(outputs, each):
        total: Any = None
        for rows in _cut(len(grad), some):
            outer = _outer(converted(grad[rows, part], kind), converted(left[rows], kind))
            found = xp.matmul(outer.T, converted(right[rows], kind))
            if total is None:
                total = found
            else:
                total += found
        if total is not None:
            put(result[part], total.reshape(-1, size, right.shape[1]))
    return result
