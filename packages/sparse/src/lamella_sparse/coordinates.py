"""Coordinates as single numbers, sorted, joined and looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


def flat(indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """The row-major positions of coordinates ``(dims, n)`` in a block of these sizes: ``(n,)``."""
    positions = core.zeros(indices.shape[1], dtype=core.int64, device=indices.device)
    for row, size in zip(indices, sizes, strict=True):
        positions = positions * size + row
    return positions


def unflat(positions: Tensor, sizes: Sequence[int]) -> Tensor:
    """The coordinates ``(dims, n)`` of row-major positions."""
    rows = []
    for size in reversed(sizes):
        rows.append(positions % size)
        positions = positions // size
    if not rows:
        return core.zeros((0, positions.shape[0]), dtype=core.int64, device=positions.device)
    return core.stack(rows[::-1])


def joined(indices: Tensor, values: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Coordinates in order, each once, and the sums of their values."""
    if not indices.shape[1]:
        return indices, values
    positions, places = core.unique(flat(indices, sizes), return_inverse=True)
    sums = values.new_zeros((positions.shape[0], *values.shape[1:]))
    if values.dtype is core.bool:
        sums = core.zeros(sums.shape, dtype=core.int64, device=values.device)
        return unflat(positions, sizes), sums.index_add_(0, places, values.long()).bool()
    return unflat(positions, sizes), sums.index_add_(0, places, values)


def lookup(known: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Where each wanted position stands among sorted known ones, and whether it does at all."""
    if not known.shape[0]:
        return core.zeros_like(wanted), core.zeros(wanted.shape, dtype=core.bool)
    places = core.searchsorted(known, wanted).clamp(max=known.shape[0] - 1)
    return places, known[places] == wanted


def check(indices: Tensor, sizes: Sequence[int]) -> None:
    """Raises RuntimeError when a coordinate is outside of the sizes."""
    if not indices.shape[1] or not sizes:
        return
    low, high = indices.min(1).values.tolist(), indices.max(1).values.tolist()
    for dim, size in enumerate(sizes):
        if low[dim] < 0:
            raise RuntimeError(f"found negative index {low[dim]} for dim {dim}")
        if high[dim] >= size:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {size} but found index "
                f"{high[dim]}"
            )
