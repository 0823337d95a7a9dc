"""Array kernels of the creation ops. Each ends in ``(dtype, device)``."""

from __future__ import annotations

import math
from typing import Any

from lamella_core.dispatch import shared_kernel


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


@shared_kernel
def arange(xp: Any, start: Any, end: Any, step: Any, dtype: Any, device: Any) -> Any:
    kind = dtype.kind
    if kind in "iu":
        if type(start) is type(end) is type(step) is int:
            # In int64 first: what another integer type cannot hold wraps around in the conversion.
            if dtype.itemsize == 8:
                return xp.arange(start, end, step, dtype)
            return xp.arange(start, end, step, xp.int64).astype(dtype)
        count = math.ceil((end - start) / step)
        return (int(start) + int(step) * xp.arange(count)).astype(dtype)
    count = math.ceil((end - start) / step)
    if start == int(start) and step == int(step):
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
        return rest
    first = _line(xp, start, step, xp.arange(0, whole, lanes), dtype)
    blocks = _line(xp, first[:, None], step, xp.arange(lanes), dtype)
    return xp.concatenate((blocks.reshape(whole), rest))


def _line(xp: Any, start: Any, step: Any, place: Any, dtype: Any) -> Any:
    """``start + step * place``, as by a fused multiply-add: rounded once, to ``dtype``."""
    wide = xp.float64 if dtype.itemsize < 8 else getattr(xp, "longdouble", xp.float64)
    return (xp.asarray(start, wide) + wide(step) * place).astype(dtype)


def spaced(xp: Any, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Numbers with equal distances, unrounded; for an integer ``dtype`` the ends are cut off first.

    They are counted from both ends, so that the sequence is symmetric and ends on ``end`` exactly.
    As in PyTorch, the ends and their distance are rounded to a floating ``dtype`` first.
    """
    work = xp.float64
    if dtype.kind in "iu":
        start, end = int(start), int(end)
    elif isinstance(start, complex) or isinstance(end, complex):
        work = xp.complex128
    if steps == 1:
        return xp.full((1,), work(start))
    if _is_floating(dtype):
        start, end = dtype.type(start), dtype.type(end)
    span, start, end = work(end - start), work(start), work(end)
    place = xp.arange(steps).astype(work)
    step = span / work(steps - 1) if steps else work(0)
    from_start = start + step * place
    from_end = end - step * (work(steps - 1) - place)
    return xp.where(place.real < steps // 2, from_start, from_end)


@shared_kernel
def linspace(xp: Any, start: Any, end: Any, steps: int, dtype: Any, device: Any) -> Any:
    if not _is_floating(dtype) or steps < 2:
        return spaced(xp, start, end, steps, dtype).astype(dtype)
    first, last = dtype.type(start), dtype.type(end)
    step = (last - first) / dtype.type(steps - 1)
    half = steps // 2
    near, far = xp.arange(half), xp.arange(steps - half)[::-1]
    # Half precision rounds after each operation, the others once.
    if dtype.itemsize == 2:
        from_start = first + step * near.astype(dtype)
        from_end = last - step * far.astype(dtype)
    else:
        from_start = _line(xp, first, step, near, dtype)
        from_end = _line(xp, last, -step, far, dtype)
    return xp.concatenate((from_start, from_end))


def _is_floating(dtype: Any) -> bool:
    """Also bfloat16, whose kind NumPy does not know."""
    return dtype.kind not in "iubc"


@shared_kernel
def logspace(
    xp: Any, start: Any, end: Any, steps: int, base: float, dtype: Any, device: Any
) -> Any:
    exponents = spaced(xp, start, end, steps, dtype)
    return xp.power(exponents.dtype.type(base), exponents).astype(dtype)


@shared_kernel
def eye(xp: Any, n: int, m: int, dtype: Any, device: Any) -> Any:
    return xp.eye(n, m, dtype=dtype)


@shared_kernel
def tril_indices(xp: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    rows, columns = xp.nonzero(xp.tri(row, col, offset, dtype=bool))
    return xp.stack((rows, columns)).astype(dtype)


@shared_kernel
def triu_indices(xp: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    rows, columns = xp.nonzero(~xp.tri(row, col, offset - 1, dtype=bool))
    return xp.stack((rows, columns)).astype(dtype)


@shared_kernel("complex")
def complex_from_parts(xp: Any, real: Any, imag: Any) -> Any:
    kind = xp.complex128 if real.dtype.itemsize == 8 else xp.complex64
    shape = real.shape if real.shape == imag.shape else xp.broadcast(real, imag).shape
    result = xp.empty(shape, kind)
    result.real = real
    result.imag = imag
    return result


@shared_kernel
def made_after(xp: Any, tensor: Any, input: Any) -> Any:
    return tensor
