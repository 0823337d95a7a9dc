"""Array kernels of the creation ops. Each ends in ``(dtype, device)``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.offers import offered, offers, room


@shared_kernel
def empty(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    return xp.empty(size, dtype)


@shared_kernel
def zeros(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    return xp.zeros(size, dtype)


@shared_kernel
def ones(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    result = xp.empty(size, dtype)
    result.fill(1)
    return result


@shared_kernel
def full(xp: Any, size: tuple[int, ...], fill_value: Any, dtype: Any, device: Any) -> Any:
    result = xp.empty(size, dtype)
    result.fill(fill_value)
    return result


# Elements of a block.
_BLOCK = 16384


def _filled(xp: Any, out: Any, of_range: Any, start: int = 0, block: int = _BLOCK) -> Any:
    # ``out`` with what a function gives for the places from one to another.
    #
    # On the CPU it goes block by block, so that what is in between stays small.
    step = block if xp is np else max(out.size, 1)
    for first in range(0, out.size, step):
        part = out[first : first + step]
        part[...] = of_range(start + first, start + first + part.size)
    return out


def _made(xp: Any, count: int, dtype: Any, of_range: Any) -> Any:
    # An array of the numbers that a function gives, converted.
    if count <= _BLOCK:
        return of_range(0, count).astype(dtype, copy=False)
    return _filled(xp, room(xp, (count,), dtype), of_range)


@shared_kernel
def arange(xp: Any, start: Any, end: Any, step: Any, dtype: Any, device: Any) -> Any:
    kind = dtype.kind
    if kind in "iu" and type(start) is type(end) is type(step) is int:
        # In int64 first: what another integer type cannot hold wraps around in the conversion.
        if dtype.itemsize == 8 and not offers:
            return xp.arange(start, end, step, dtype)
        if abs(end - start) <= _BLOCK:
            return xp.arange(start, end, step, xp.int64).astype(dtype)
        out = room(xp, (len(range(start, end, step)),), dtype)

        def integers(first: int, last: int) -> Any:
            return xp.arange(start + first * step, start + last * step, step)

        return _filled(xp, out, integers, block=4 * _BLOCK)
    count = math.ceil((end - start) / step)
    if kind in "iu":
        return (int(start) + int(step) * xp.arange(count)).astype(dtype)
    if start == int(start) and step == int(step):
        if count > _BLOCK:

            def integral(first: int, last: int) -> Any:
                return xp.arange(start + first * step, start + last * step, step, xp.float64)

            return _filled(xp, room(xp, (count,), dtype), integral, block=4 * _BLOCK)
        numbers = xp.arange(count, dtype=xp.float64)
        if step != 1:
            numbers *= step
        if start:
            numbers += start
        return numbers.astype(dtype)
    # PyTorch fills registers of 32 bytes, two at a time: the first of a register is rounded, the
    # others follow from it. The rest, at the end, are computed one by one.
    lanes = 32 // dtype.itemsize
    whole = count - count % (2 * lanes)
    rest = _line(xp, start, step, xp.arange(whole, count), dtype)
    if not whole:
        return rest.astype(dtype)
    own = xp.arange(lanes)

    def registers(first: int, last: int) -> Any:
        heads = _line(xp, start, step, xp.arange(first, last, lanes), dtype).astype(dtype)
        return _line(xp, heads[:, None], step, own, dtype).reshape(-1)

    out = room(xp, (count,), dtype)
    _filled(xp, out[:whole], registers)
    out[whole:] = rest
    return out


def _line(xp: Any, start: Any, step: Any, place: Any, dtype: Any) -> Any:
    # ``start + step * place``, to be rounded to ``dtype``, as by a fused multiply-add.
    wide = xp.float64 if dtype.itemsize < 8 else getattr(xp, "longdouble", xp.float64)
    return xp.asarray(start, wide) + wide(step) * place


def _spaced(xp: Any, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    # The function that gives numbers with equal distances, unrounded, from a place to another.
    #
    # For an integer ``dtype`` the ends are cut off first. The numbers are counted from both ends,
    # so that the sequence is symmetric and ends on ``end`` exactly. As in PyTorch, the ends and
    # their distance are rounded to a floating ``dtype`` first.
    work = xp.float64
    if dtype.kind in "iu":
        start, end = int(start), int(end)
    elif isinstance(start, complex) or isinstance(end, complex):
        work = xp.complex128
    if steps == 1:
        return lambda first, last: xp.full((1,), work(start))
    if _is_floating(dtype):
        start, end = dtype.type(start), dtype.type(end)
    span, start, end = work(end - start), work(start), work(end)
    step = span / work(steps - 1) if steps else work(0)

    def numbers(first: int, last: int) -> Any:
        place = xp.arange(first, last).astype(work)
        from_end = end - step * (work(steps - 1) - place)
        return xp.where(place.real < steps // 2, start + step * place, from_end)

    return numbers


@shared_kernel
def linspace(xp: Any, start: Any, end: Any, steps: int, dtype: Any, device: Any) -> Any:
    if not _is_floating(dtype) or steps < 2:
        return _made(xp, steps, dtype, _spaced(xp, start, end, steps, dtype))
    first, last = dtype.type(start), dtype.type(end)
    step = (last - first) / dtype.type(steps - 1)
    half = steps // 2

    # Half precision rounds after each operation, the others once.
    def line(ends: Any, step: Any, place: Any) -> Any:
        if dtype.itemsize == 2:
            return ends + step * place.astype(dtype)
        return _line(xp, ends, step, place, dtype)

    def near(start: int, stop: int) -> Any:
        return line(first, step, xp.arange(start, stop))

    def far(start: int, stop: int) -> Any:
        return line(last, -step, xp.arange(steps - 1 - start, steps - 1 - stop, -1))

    if steps <= _BLOCK:
        return xp.concatenate((near(0, half), far(half, steps))).astype(dtype, copy=False)
    out = room(xp, (steps,), dtype)
    _filled(xp, out[:half], near)
    _filled(xp, out[half:], far, half)
    return out


def _is_floating(dtype: Any) -> bool:
    # Also bfloat16, whose kind NumPy does not know.
    return dtype.kind not in "iubc"


@shared_kernel
def logspace(
    xp: Any, start: Any, end: Any, steps: int, base: float, dtype: Any, device: Any
) -> Any:
    exponent = _spaced(xp, start, end, steps, dtype)

    def power(first: int, last: int) -> Any:
        exponents = exponent(first, last)
        return xp.power(exponents.dtype.type(base), exponents)

    return _made(xp, steps, dtype, power)


@shared_kernel
def eye(xp: Any, n: int, m: int, dtype: Any, device: Any) -> Any:
    place = offered((n, m), dtype) if offers else None
    if place is None:
        return xp.eye(n, m, dtype=dtype)
    place[...] = 0
    xp.fill_diagonal(place, 1)
    return place


@shared_kernel
def tril_indices(xp: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    return _triangle(xp, row, col, offset, dtype, False)


@shared_kernel
def triu_indices(xp: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    return _triangle(xp, row, col, offset - 1, dtype, True)


def _triangle(xp: Any, row: int, col: int, offset: int, dtype: Any, upper: bool) -> Any:
    # The places on and below a diagonal, or with ``upper`` above it, some rows at a time.
    # The rows that have an element below the diagonal, and those of which all are.
    some = min(max(-offset, 0), row)
    full = min(max(col - 1 - offset, some), row)
    count = (full - some) * (some + full + 1 + 2 * offset) // 2 + (row - full) * col
    result = xp.empty((2, row * col - count if upper else count), dtype)
    step = max(_BLOCK // max(col, 1), 1) if xp is np else max(row, 1)
    done = 0
    for top in range(0, row, step):
        below = xp.tri(min(step, row - top), col, offset + top, dtype=bool)
        rows, columns = xp.nonzero(~below if upper else below)
        part = result[:, done : done + rows.size]
        part[0] = rows
        part[0] += top
        part[1] = columns
        done += rows.size
    return result


@shared_kernel("complex")
def complex_from_parts(xp: Any, real: Any, imag: Any) -> Any:
    result = _complex_room(xp, real, imag)
    result.real = real
    result.imag = imag
    return result


def _complex_room(xp: Any, first: Any, second: Any) -> Any:
    kind = xp.complex128 if first.dtype.itemsize == 8 else xp.complex64
    shape = first.shape if first.shape == second.shape else xp.broadcast(first, second).shape
    return room(xp, shape, kind)


@shared_kernel
def polar(xp: Any, abs: Any, angle: Any) -> Any:
    result = _complex_room(xp, abs, angle)
    own = angle.shape == result.shape
    for function, part in ((xp.cos, result.real), (xp.sin, result.imag)):
        xp.multiply(abs, function(angle, part) if own else function(angle), part)
    return result


@shared_kernel
def made_after(xp: Any, tensor: Any, input: Any) -> Any:
    return tensor
