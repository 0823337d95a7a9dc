"""Large matrix products on the CPU, in parts that are spread over threads.

BLAS has threads of its own, but these get in the way of the other kernels': see ``parallel``. A
bias is added while the part is still in the cache.
"""

from __future__ import annotations

import ctypes
from functools import cache
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
    is_reduced,
)
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import linalg as whole
from lamella_core.offers import offered, offers, room
from lamella_core.parallel import blas_libraries, rests, shares, spread, thread_count
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


def _tiles(shape: Any, down: int, across: int) -> list[tuple[slice, slice]]:
    return [(r, c) for r in _cuts(shape[0], down) for c in _cuts(shape[1], across)]


def _shares(left: Any, columns: int) -> list[tuple[slice, slice]]:
    # The parts of a product, one for each thread.
    threads = max(min(thread_count(), left.size * columns // _PART), 1)
    high = max(1, min(threads, len(left) // _ROWS))
    return _tiles((len(left), columns), high, threads // high)


def _cuts(size: int, count: int) -> list[slice]:
    step = -(-size // count)
    return [slice(start, start + step) for start in range(0, size, step)]


def _product(left: Any, right: Any, bias: Any = None, out: Any = None) -> Any:
    # The product of two matrices, to each row of which the bias is added.
    rows, columns = left.shape[0], right.shape[1]
    left, right = _for_blas(left), _for_blas(right)
    if bias is None and left.size * columns >= _HUGE and rests():
        return np.matmul(left, right, out)
    if out is None:
        out = np.empty((rows, columns), left.dtype)

    def run(part: tuple[slice, slice]) -> None:
        place = out[part]
        np.matmul(left[part[0]], right[:, part[1]], place)
        if bias is not None:
            np.add(place, bias[part[1]], place)

    spread(run, _shares(left, columns))
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


# ------------ products that are added


@cache
def _gemm(kind: str) -> Any:
    # BLAS's function for a type, of NumPy's wheels alone: its name tells the size of its integers.
    number: Any = {"f": ctypes.c_float, "d": ctypes.c_double}.get(kind)
    for library in blas_libraries() if number else ():
        name = f"scipy_cblas_{'s' if kind == 'f' else 'd'}gemm64_"
        function = getattr(getattr(library, "dynlib", None), name, None)
        if function is not None:
            matrix = (ctypes.c_void_p, ctypes.c_int64)
            sizes = (*[ctypes.c_int] * 3, *[ctypes.c_int64] * 3)
            function.argtypes = (*sizes, number, *matrix, *matrix, number, *matrix)
            function.restype = None
            return function
    return None


def _described(matrix: Any) -> tuple[int, int, int]:
    # Whether it is transposed, its place, and the elements from one row (column) to the next.
    turned = matrix.strides[1] != matrix.itemsize and matrix.shape[1] > 1
    step = matrix.strides[turned] // matrix.itemsize
    return 111 + turned, matrix.ctypes.data, max(step, matrix.shape[1 - turned], 1)


def add_product(place: Any, left: Any, right: Any, beta: Any, alpha: Any) -> None:
    # ``place = beta * place + alpha * left @ right`` for matrices of one type; ``place``, whose
    # memory is not that of the others, is not read where ``beta`` is 0.
    if place.strides[1] > place.strides[0]:
        place, left, right = place.T, right.T, left.T
    (rows, columns), size = place.shape, place.itemsize
    row_major = place.strides[1] == size and place.strides[0] >= size * columns
    # Vectors have functions of their own, which NumPy finds.
    if row_major and 1 not in place.shape and (gemm := _gemm(place.dtype.char)):
        left, right = _for_blas(left), _for_blas(right)
        (a, *first), (b, *second), (_, *third) = map(_described, (left, right, place))
        gemm(101, a, b, rows, columns, left.shape[1], alpha, *first, *second, beta, *third)
        return
    for row in range(0, rows, _ROWS):
        for column in range(0, columns, _ROWS):
            some, more = slice(row, row + _ROWS), slice(column, column + _ROWS)
            _blend(place[some, more], np.matmul(left[some], right[:, more]), beta, alpha)


def _blend(place: Any, product: Any, beta: Any, alpha: Any) -> None:
    # ``place = beta * place + alpha * product`` in the product's type; that memory is used.
    if alpha != 1:
        product *= alpha
    if beta == 1:
        product += converted(place, product.dtype)
    elif beta != 0:
        product += converted(place, product.dtype) * beta
    place[...] = converted(product, place.dtype)


# The side of a part of a product of half precision, which is summed in float32; elements of the
# operands that are widened for it at a time.
_SIDE = 512
_OWN = 1 << 18


def _added(out: Any, left: Any, right: Any, beta: Any, alpha: Any) -> None:
    # ``out = beta * out + alpha * left @ right``; an operand may have fewer batches than ``out``.
    half = is_reduced(out)
    if out.ndim == 2 and half:
        _widened(left, right, out, out, beta, alpha)
    elif out.ndim == 2:

        def run(part: tuple[slice, slice]) -> None:
            add_product(out[part], left[part[0]], right[:, part[1]], beta, alpha)

        spread(run, _shares(left, right.shape[1]))
    else:
        wide, count = SINGLE if half else out.dtype, len(out)
        size = max(out.size * (1 + (beta != 0)), half * (left.size + right.size)) * wide.itemsize
        # A single matrix may be twice as large.
        step = -(-(8 * PART * count // size) // 2)

        def pair(part: Any) -> list[Any]:
            return [
                each if each.ndim < out.ndim or len(each) < count else each[part]
                for each in (left, right)
            ]

        def some(starts: range) -> None:
            for start in starts:
                part = slice(start, start + step)
                product = np.matmul(*[converted(each, wide) for each in pair(part)])
                _blend(out[part], product, beta, alpha)

        if step:
            spread(some, shares(count, step))
        else:
            for i in range(count):
                a, b = [each if each.ndim < out.ndim else each[0] for each in pair(i)]
                _added(out[i], a, b, beta, alpha)


def _widened(
    left: Any, right: Any, out: Any, own: Any = None, beta: Any = 0, alpha: Any = 1
) -> None:
    # Writes a product of matrices of half precision, and ``beta * own``, which may be ``out``.
    if left.size < right.size:
        # BLAS is faster on many rows than on many columns.
        left, right, out = right.T, left.T, out.T
        own = None if own is None else own.T
    inner = left.shape[1]
    short = min(out.shape[1], _SIDE)
    own_room, least = (_OWN, _SIDE) if short > 64 else (_OWN // 3, max(2 * short, 16))
    if right.size <= _OWN // 4:
        right = converted(right, SINGLE)
    beside = 0 if right.dtype == SINGLE else short
    # Rows of the operands stay whole where they can: these lie side by side.
    long = min(max(own_room // max(inner, 1) - beside, least), _SIDE**2 // short)
    depth = own_room // (beside + min(long, len(out)))
    depth = -(-inner // max(-(-inner // depth), 1)) or 1
    down, across = -(-len(out) // long), -(-out.shape[1] // short)
    if inner * out.size >= 4 * _LARGE:
        while down * across % thread_count():
            down += 1

    def run(part: tuple[slice, slice]) -> None:
        sums = np.empty(out[part].shape, SINGLE) if beta == 0 else converted(own[part], SINGLE)
        for start in range(0, max(inner, 1), depth):
            at = slice(start, start + depth)
            add_product(
                sums,
                converted(left[part[0], at], SINGLE),
                converted(right[at, part[1]], SINGLE),
                1 if start else beta,
                alpha,
            )
        out[part] = converted(sums, out.dtype)

    spread(run, _tiles(out.shape, down, across))


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
    out = room(np, (*lead, a.shape[-2], b.shape[-1]), left.dtype, True)
    if b.ndim == 2:
        rows = out.reshape(-1, b.shape[1])
        own = bias if bias is None else np.broadcast_to(bias, rows.shape)
        _widened(a.reshape(-1, a.shape[-1]), b, rows, own, int(bias is not None))
    else:
        _added(out, a, b, 0, 1)
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


def add_product_(input: Any, left: Any, right: Any, beta: Any, alpha: Any) -> None:
    # As numbers of the type: those of integers wrap around.
    wide = SINGLE if is_reduced(input) else input.dtype
    beta, alpha = np.array((beta, alpha)).astype(wide).tolist()
    if right.ndim == 1:
        input, right = input[:, None], right[:, None]
    _added(input, left, right, beta, alpha)


matmul.of_half = _reduced  # type: ignore[attr-defined]
linear.of_half = _reduced_linear  # type: ignore[attr-defined]
rows_product.of_half = _reduced_rows  # type: ignore[attr-defined]
_component = by_blocks(quiet(whole.difference_of_products), True)


def linalg_cross(input: Any, other: Any, dim: int) -> Any:
    return whole.linalg_cross(np, input, other, dim, _component)


register_kernel("linalg_cross", linalg_cross, "cpu")
register_kernel("matmul", matmul, "cpu")
register_kernel("add_product_", add_product_, "cpu")
register_kernel("linear", linear, "cpu")
register_kernel("rows_product", rows_product, "cpu")
