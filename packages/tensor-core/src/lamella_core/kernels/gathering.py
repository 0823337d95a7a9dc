"""Array kernels of reading at places given by index tensors and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel

_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def check_bounds(index: Any, dim: int, size: int, error: type[Exception] = RuntimeError) -> None:
    """Raises for an index that is not in ``[0, size)``."""
    # Read as unsigned, a negative index is too large: one pass tells, and one wait on a device.
    if index.size and int(index.view(_UNSIGNED[index.itemsize]).max()) >= size:
        low = int(index.min())
        wrong = low if low < 0 else int(index.max())
        raise error(f"index {wrong} is out of bounds for dimension {dim} with size {size}")


def grid_at(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """An index for all dimensions: ``index`` for one of them, each place's own elsewhere."""
    ndim = index.ndim
    place = []
    for d, size in enumerate(index.shape):
        if d == dim:
            place.append(index)
        else:
            place.append(xp.arange(size).reshape((1,) * d + (size,) + (1,) * (ndim - d - 1)))
    return tuple(place)


@shared_kernel
def index_select(xp: Any, input: Any, dim: int, index: Any) -> Any:
    if not input.ndim:
        check_bounds(index, 0, 1, IndexError)
        return input.copy()
    size = input.shape[dim]
    if index.size and int(index.view(_UNSIGNED[index.itemsize]).max()) >= size:
        raise IndexError(
            f"index out of range in self (index_select: dimension {dim} has size {size})"
        )
    return input.take(index.reshape(-1), dim)


@shared_kernel
def gather(xp: Any, input: Any, dim: int, index: Any) -> Any:
    if not index.size:
        return xp.empty(index.shape, input.dtype)
    flat_input = input.reshape(1) if not input.ndim else input
    flat_index = index.reshape(1) if not index.ndim else index
    check_bounds(index, dim, flat_input.shape[dim])
    if flat_input.ndim == 1:
        return flat_input.take(index)
    return flat_input[grid_at(xp, flat_index, dim)].reshape(index.shape)


@shared_kernel
def take(xp: Any, input: Any, index: Any) -> Any:
    check_flat(index, input.size)
    if not index.size:
        return xp.empty(index.shape, input.dtype)
    return input.reshape(-1).take(index)


def check_flat(index: Any, size: int) -> None:
    """Raises IndexError for a place that is not in ``[-size, size)``."""
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < -size or high >= size:
            wrong = high if high >= size else low
            raise IndexError(
                f"out of range: tried to access index {wrong} on a tensor of {size} elements."
            )


@shared_kernel
def masked_select(xp: Any, input: Any, mask: Any) -> Any:
    return input[mask]


@shared_kernel
def nonzero(xp: Any, input: Any) -> Any:
    if not input.ndim:
        return xp.empty((int(bool(input)), 0), xp.int64)
    return xp.stack(xp.nonzero(input), 1).astype(xp.int64, copy=False)


@shared_kernel
def where(xp: Any, condition: Any, input: Any, other: Any) -> Any:
    return xp.where(condition, input, other)
