"""Array kernels of forms linear in each of three arrays, some outputs and rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.precision import compute_type, put

if TYPE_CHECKING:
    from collections.abc import Iterator

# Elements of a part of what is between two operands, on the CPU.
_BLOCK = 65536


def _kind(array: Any) -> Any:
    return array.dtype if array.dtype.kind in "iu" else compute_type(array.dtype)


def _cut(xp: Any, count: int, size: int) -> Iterator[slice]:
    """Parts of so many things, each of so many elements; all of them on a GPU."""
    step = max(1, _BLOCK // max(size, 1)) if xp is np else max(count, 1)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _between(xp: Any, side: Any, weight: Any, kind: Any) -> Any:
    """``(outputs, rows, other)``, of ``(rows, size)`` and ``(outputs, size, other)``."""
    if xp is np and weight.dtype.itemsize not in weight.strides[1:] and weight.size:
        weight = np.ascontiguousarray(weight)
    return xp.matmul(side, converted(weight, kind))


@shared_kernel
def bilinear_form(xp: Any, left: Any, right: Any, weight: Any) -> Any:
    rows, outputs, kind = len(left), len(weight), _kind(left)
    result = xp.empty((rows, outputs), left.dtype)
    other = weight.shape[2]
    for some in _cut(xp, rows, other):
        first, second = converted(left[some], kind), converted(right[some], kind)
        # What is converted of the weights is to be small, too.
        each = max(len(first), weight.shape[1] * (left.dtype != kind)) * other
        for part in _cut(xp, outputs, each):
            between = _between(xp, first, weight[part], kind)
            between *= second
            put(result[some, part], between.sum(2, dtype=kind).T)
    return result


@shared_kernel
def bilinear_side(xp: Any, grad: Any, side: Any, weight: Any) -> Any:
    rows, outputs, kind = len(grad), len(weight), _kind(grad)
    other = weight.shape[2]
    result = xp.empty((rows, other), grad.dtype)
    for some in _cut(xp, rows, other):
        given, above = converted(side[some], kind), converted(grad[some], kind)
        total = xp.zeros((len(given), other), kind)
        each = max(len(given), weight.shape[1] * (grad.dtype != kind)) * other
        for part in _cut(xp, outputs, each):
            between = _between(xp, given, weight[part], kind)
            between *= above[:, part].T[..., None]
            total += between[0] if len(between) == 1 else between.sum(0, dtype=kind)
        put(result[some], total)
    return result


@shared_kernel
def bilinear_weight(xp: Any, grad: Any, left: Any, right: Any) -> Any:
    rows, outputs, kind = len(grad), grad.shape[1], _kind(grad)
    size, other = left.shape[1], right.shape[1]
    result = xp.zeros((outputs, size, other), grad.dtype)
    for columns in _cut(xp, size, other):
        width = columns.stop - columns.start
        several = list(_cut(xp, rows, width))
        each = width * max(other, several[0].stop if several else 0)
        for part in _cut(xp, outputs, each):
            target = result[part, columns]
            total: Any = None
            for some in several:
                above = converted(grad[some, part], kind).T
                scaled = converted(left[some, columns], kind).T * above[:, None]
                found = xp.matmul(scaled, converted(right[some], kind))
                if total is None:
                    total = found
                else:
                    total += found
            if total is not None:
                put(target, total)
    return result
