"""Array kernels of the creation ops. Each ends in ``(dtype, device)``."""

from __future__ import annotations

import math
from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel("empty")
def empty(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    return xp.empty(size, dtype)


@shared_kernel("zeros")
def zeros(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    return xp.zeros(size, dtype)


@shared_kernel("ones")
def ones(xp: Any, size: tuple[int, ...], dtype: Any, device: Any) -> Any:
    return xp.ones(size, dtype)


@shared_kernel("full")
def full(xp: Any, size: tuple[int, ...], fill_value: Any, dtype: Any, device: Any) -> Any:
    return xp.full(size, fill_value, dtype)


@shared_kernel("arange")
def arange(xp: Any, start: Any, end: Any, step: Any, dtype: Any, device: Any) -> Any:
    kind = dtype.kind
    if kind in "iu" and all(type(n) is int for n in (start, end, step)):
        # In int64 first: what another integer type cannot hold wraps around in the conversion.
        return xp.arange(start, end, step, dtype=xp.int64).astype(dtype, copy=False)
    count = math.ceil((end - start) / step)
    if kind in "iu":
        start, step = int(start), int(step)
        return (start + step * xp.arange(count)).astype(dtype)
    return (start + step * xp.arange(count, dtype=xp.float64)).astype(dtype)


def spaced(xp: Any, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """Numbers with equal distances, unrounded; for an integer ``dtype`` the ends are cut off first.

    They are counted from both ends, so that the sequence is symmetric and ends on ``end`` exactly.
    """
    work = xp.float64
    if dtype.kind in "iu":
        start, end = int(start), int(end)
    elif isinstance(start, complex) or isinstance(end, complex):
        work = xp.complex128
    start, end = work(start), work(end)
    if steps == 1:
        return xp.full((1,), start)
    place = xp.arange(steps).astype(work)
    step = (end - start) / work(steps - 1) if steps else work(0)
    from_start = start + step * place
    from_end = end - step * (work(steps - 1) - place)
    return xp.where(place.real < steps // 2, from_start, from_end)


@shared_kernel("linspace")
def linspace(xp: Any, start: Any, end: Any, steps: int, dtype: Any, device: Any) -> Any:
    return spaced(xp, start, end, steps, dtype).astype(dtype)


@shared_kernel("logspace")
def logspace(
    xp: Any, start: Any, end: Any, steps: int, base: float, dtype: Any, device: Any
) -> Any:
    exponents = spaced(xp, start, end, steps, dtype)
    return xp.power(exponents.dtype.type(base), exponents).astype(dtype)


@shared_kernel("eye")
def eye(xp: Any, n: int, m: int, dtype: Any, device: Any) -> Any:
    return xp.eye(n, m, dtype=dtype)


@shared_kernel("tril_indices")
def tril_indices(xp: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    rows, columns = xp.nonzero(xp.tri(row, col, offset, dtype=bool))
    return xp.stack((rows, columns)).astype(dtype)


@shared_kernel("triu_indices")
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


@shared_kernel("made_after")
def made_after(xp: Any, tensor: Any, input: Any) -> Any:
    return tensor
