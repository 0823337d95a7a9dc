"""Large matrix products on the CPU, in parts that are spread over threads.

BLAS has threads of its own, but these get in the way of the other kernels': see ``parallel``. A
bias is added while the part is still in the cache.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import (
    LARGE,
    PART,
    SINGLE,
    by_blocks,
    converted,
    in_parts,
)
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import linalg as whole
from lamella_core.offers import offered, offers
from lamella_core.parallel import rests, shares, spread, thread_count
from lamella_core.quiet import quiet

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
    if array.ndim < 2 or array.flags.forc:
        return array
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
    if offers and out is None:
        out = _place(input, other)
    if not (input.ndim and other.ndim) or input.size * other.shape[-1] < LARGE:
        return whole.matmul(np, input, other, out)
    if (
        other.ndim > 1
        and input.ndim > 1
        and _is_large(input, other.shape[-1])
        and input.shape[-1] == other.shape[-2]
    ):
        lead = input.shape[:-2]
        if other.ndim == 2:
            if out is not None:
                out = out.reshape(-1, other.shape[-1])
            result = _product(input.reshape(-1, input.shape[-1]), other, None, out)
            return result.reshape(*input.shape[:-1], other.shape[-1])
        if lead == other.shape[:-2] and max(lead) >= thread_count():
            return _products(input, other, out)
    fits = max(input.ndim, other.ndim) == 2 and input.shape[-1] == other.shape[0]
    if fits and input.dtype.char in "fdFD":
        # NumPy's dot() would copy matrices with gaps between their rows.
        return np.matmul(_for_blas(input), _for_blas(other), out)
    return whole.matmul(np, input, other, out)


def _place(input: Any, other: Any) -> Any:
    # The memory on offer for a product, if there is one.
    if not (input.ndim and other.ndim):
        return None
    lead = input.shape[:-1]
    if other.ndim > 2:
        try:
            lead = np.broadcast_shapes(lead[:-1], other.shape[:-2]) + lead[-1:]
        except ValueError:
            return None
    return offered(lead + other.shape[-2:][1:], input.dtype, True)


_linear_in_parts = in_parts(
    lambda input, axis, weight, bias: whole.linear(np, input, weight, bias), 0, -1, False, PART
)


def linear(input: Any, weight: Any, bias: Any) -> Any:
    if (
        input.ndim > 2 == weight.ndim
        and weight.size < 4 * LARGE
        and input.size >= LARGE
        and not input.flags.c_contiguous
        and input.shape[-1] == weight.shape[1]
        and (bias is None or bias.shape == weight.shape[:1])
    ):
        # Its rows are copied to lie side by side.
        return _linear_in_parts(input, input.ndim - 1, weight, bias)
    if (
        weight.ndim == 2
        and input.ndim > 1
        and _is_large(input, weight.shape[0])
        and input.shape[-1] == weight.shape[1]
        and (bias is None or bias.shape == weight.shape[:1])
    ):
        result = _product(input.reshape(-1, input.shape[-1]), weight.T, bias)
        return result.reshape(*input.shape[:-1], weight.shape[0])
    if weight.size >= LARGE and weight.ndim == input.ndim == 2 and bias is None:
        return matmul(input, weight.T)
    return whole.linear(np, input, weight, bias)


def rows_product(input: Any, other: Any) -> Any:
    columns, width = input.shape[-1], other.shape[-1]
    if _is_large(input, width):
        count = prod(input.shape[:-1])
        return _product(input.reshape(count, columns).T, other.reshape(count, width))
    return whole.rows_product(np, input, other)


# Elements of half precision that are widened at a time, of an operand that all parts need and of
# others; the longest dimension to sum over, for which float32 takes more than one product.
_SHARED = 1 << 21
_OWN = 1 << 19
_LONG = 1 << 16


def _widened(left: Any, right: Any, out: Any, bias: Any = None) -> None:
    # Writes the products of matrices of half precision, summed in float32, part by part.
    if out.ndim > 2:
        count = out.shape[0]
        step = max(_OWN * count // (2 * max(left.size + right.size, out.size)), 1)
        for start in range(0, count, step):
            part: Any = start if step == 1 else slice(start, start + step)
            pair = [
                each if each.ndim < out.ndim else each[part if each.shape[0] == count else slice(1)]
                for each in (left, right)
            ]
            if step > 1:
                product = np.matmul(converted(pair[0], SINGLE), converted(pair[1], SINGLE))
                out[part] = converted(product, out.dtype)
            else:
                a, b = (each[0] if each.ndim == out.ndim else each for each in pair)
                _widened(a, b, out[part])
        return
    inner = left.shape[1]
    if inner > _LONG:
        total, part = np.zeros((2, *out.shape), SINGLE)
        for start in range(0, inner, _LONG):
            at = slice(start, start + _LONG)
            _widened(left[:, at], right[at], part)
            total += part
        out[...] = total if bias is None else total + converted(bias, SINGLE)
        return
    if left.size < right.size:
        left, right, out = right.T, left.T, out.T
        bias = None if bias is None else bias.T
    # Wide rows of the result are worth larger products.
    width = max(min(_SHARED // inner, out.shape[1]), 1)
    step = max((_OWN if width > 64 else _OWN // 6) // max(inner, width), 1)

    def run(starts: range) -> None:
        for start in starts:
            place = slice(start, start + step)
            product = np.matmul(converted(left[place], SINGLE), shared)
            if bias is not None:
                product += converted(bias[place, at], SINGLE)
            out[place, at] = converted(product, out.dtype)

    shared: Any
    for start in range(0, out.shape[1], width):
        at = slice(start, start + width)
        # The one before goes first.
        shared = None
        shared = converted(right[:, at], SINGLE)
        spread(run, shares(out.shape[0], step))


def _reduced(left: Any, right: Any, bias: Any = None) -> Any:
    # The product in parts; None where it is small or an error, which is for the usual way.
    if left.size + right.size < LARGE or 0 in (left.ndim, right.ndim, left.size, right.size):
        return None
    a = left if left.ndim > 1 else left[None]
    b = right if right.ndim > 1 else right[:, None]
    if a.shape[-1] != b.shape[-2]:
        return None
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        return None
    out = np.empty((*lead, a.shape[-2], b.shape[-1]), left.dtype)
    if b.ndim == 2:
        rows = out.reshape(-1, b.shape[1])
        more = None if bias is None else np.broadcast_to(bias, rows.shape)
        _widened(a.reshape(-1, a.shape[-1]), b, rows, more)
    else:
        _widened(a, b, out)
    return out.reshape((*lead, *left.shape[-2:-1], *(b.shape[-1:] if right.ndim > 1 else ())))


def _reduced_linear(input: Any, weight: Any, bias: Any) -> Any:
    if weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[:1]):
        return None
    return _reduced(input, weight.T, bias)


def _reduced_rows(input: Any, other: Any) -> Any:
    if input.shape[:-1] != other.shape[:-1]:
        return None
    count = prod(input.shape[:-1])
    return _reduced(input.reshape(count, -1).T, other.reshape(count, -1))


matmul.of_half = _reduced  # type: ignore[attr-defined]
linear.of_half = _reduced_linear  # type: ignore[attr-defined]
rows_product.of_half = _reduced_rows  # type: ignore[attr-defined]
_component = by_blocks(quiet(whole.difference_of_products), True)


def linalg_cross(input: Any, other: Any, dim: int) -> Any:
    return whole.linalg_cross(np, input, other, dim, _component)


register_kernel("linalg_cross", linalg_cross, "cpu")
register_kernel("matmul", matmul, "cpu")
register_kernel("linear", linear, "cpu")
register_kernel("rows_product", rows_product, "cpu")
