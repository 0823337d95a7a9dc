"""Large matrix products on the CPU, in parts that are spread over threads.

BLAS has threads of its own, but these get in the way of the other kernels': see ``parallel``. A
bias is added while the part is still in the cache.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels import linalg as whole
from lamella_core.parallel import rests, spread, thread_count

# Multiplications that are worth a part of their own, and how many are worth the cutting.
_PART = 1 << 22
_LARGE = 1 << 24
# From here on that BLAS's threads share what they rearrange saves more than their spinning costs.
_HUGE = 1 << 30
# BLAS takes parts of whole rows faster than parts of all rows, if they have at least this many.
_ROWS = 256


def _is_large(input: Any, columns: int) -> bool:
    return input.size * columns >= _LARGE and input.dtype.char in "fdFD" and thread_count() > 1


def _for_blas(array: Any) -> Any:
    # The matrices in a form that BLAS takes.
    (rows, columns), (down, across) = array.shape[-2:], array.strides[-2:]
    size = array.itemsize
    if (across == size and down >= size * columns) or (down == size and across >= size * rows):
        return array
    return np.ascontiguousarray(array)


def _cuts(size: int, count: int) -> list[slice]:
    step = -(-size // count)
    return [slice(start, start + step) for start in range(0, size, step)]


def _product(left: Any, right: Any, bias: Any = None, out: Any = None) -> Any:
    # The product of two matrices, to each row of which the bias is added.
    rows, columns = left.shape[0], right.shape[1]
    left, right = _for_blas(left), _for_blas(right)
    if bias is None and left.size * columns >= _HUGE and rests():
        return np.matmul(left, right, out)
    threads = min(thread_count(), left.size * columns // _PART)
    high = max(1, min(threads, rows // _ROWS))
    parts = [(r, c) for r in _cuts(rows, high) for c in _cuts(columns, threads // high)]
    if out is None:
        out = np.empty((rows, columns), left.dtype)

    def run(part: tuple[slice, slice]) -> None:
        place = out[part]
        np.matmul(left[part[0]], right[:, part[1]], place)
        if bias is not None:
            np.add(place, bias[part[1]], place)

    spread(run, parts)
    return out


def _products(left: Any, right: Any, out: Any) -> Any:
    # The products of two equally many matrices, cut along the longest dimension of the batch.
    lead = left.shape[:-2]
    dim = lead.index(max(lead))
    before = (slice(None),) * dim
    left, right = _for_blas(left), _for_blas(right)
    if out is None:
        out = np.empty((*lead, left.shape[-2], right.shape[-1]), left.dtype)

    def run(part: slice) -> None:
        at = (*before, part)
        np.matmul(left[at], right[at], out[at])

    spread(run, _cuts(lead[dim], 4 * thread_count()))
    return out


def matmul(input: Any, other: Any, out: Any = None) -> Any:
    if (
        other.ndim > 1
        and input.ndim > 1
        and _is_large(input, other.shape[-1])
        and input.shape[-1] == other.shape[-2]
    ):
        lead = input.shape[:-2]
        if other.ndim == 2:
            result = _product(input.reshape(-1, input.shape[-1]), other, None, out)
            return result.reshape(*input.shape[:-1], other.shape[-1])
        if lead == other.shape[:-2] and max(lead) >= thread_count():
            return _products(input, other, out)
    return whole.matmul(np, input, other, out)


def linear(input: Any, weight: Any, bias: Any) -> Any:
    if (
        weight.ndim == 2
        and input.ndim > 1
        and _is_large(input, weight.shape[0])
        and input.shape[-1] == weight.shape[1]
        and (bias is None or bias.shape == weight.shape[:1])
    ):
        result = _product(input.reshape(-1, input.shape[-1]), weight.T, bias)
        return result.reshape(*input.shape[:-1], weight.shape[0])
    return whole.linear(np, input, weight, bias)


def rows_product(input: Any, other: Any) -> Any:
    columns, width = input.shape[-1], other.shape[-1]
    if _is_large(input, width):
        count = prod(input.shape[:-1])
        return _product(input.reshape(count, columns).T, other.reshape(count, width))
    return whole.rows_product(np, input, other)


register_kernel("matmul", matmul, "cpu")
register_kernel("linear", linear, "cpu")
register_kernel("rows_product", rows_product, "cpu")
