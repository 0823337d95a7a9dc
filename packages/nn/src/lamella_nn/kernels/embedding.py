"""Array kernels of look-up tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import largest
from lamella_nn.kernels.groups import sum_groups

# Elements of sums that are made at a time on the CPU.
_BLOCK = 81920


@shared_kernel
def embedding(
    xp: Any, weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> Any:
    if indices.size and largest(indices) >= weight.shape[0]:
        low = int(indices.min())
        raise IndexError(
            f"index out of range in self (embedding: index {low if low < 0 else indices.max()} for "
            f"a weight of {weight.shape[0]} rows)"
        )
    return weight.take(indices, 0)


@shared_kernel
def one_hot(xp: Any, classes: Any, count: int) -> Any:
    result = xp.zeros((*classes.shape, count), xp.int64)
    places = xp.arange(0, result.size, count)
    places += classes.reshape(-1)
    result.reshape(-1)[places] = 1
    return result


@shared_kernel
def embedding_backward(
    xp: Any, grad_output: Any, indices: Any, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    grad = grad_output.reshape(indices.size, grad_output.shape[-1])
    return add_rows(xp, grad, None, indices.reshape(-1), rows, padding_idx, scale_grad_by_freq)


def add_rows(
    xp: Any,
    grad: Any,
    source: Any,
    flat: Any,
    rows: int,
    padding_idx: int,
    scale_grad_by_freq: bool,
    factors: Any = None,
) -> Any:
    """``(rows, features)``, to whose row ``flat[i]`` the row ``source[i]`` of ``grad`` is added.

    Args:
        source: None for the rows one after the other.
        factors: what these rows are multiplied by.
    """
    total = xp.zeros((rows, grad.shape[1]), grad.dtype)
    kept = xp.flatnonzero(flat != padding_idx) if padding_idx >= 0 else None
    if kept is not None:
        flat = flat[kept]
    if not flat.size:
        return total
    # Sorted, equal rows stand together. Sorting 16 bits is many times as fast.
    keys = flat.astype(xp.uint16) if rows <= 1 << 16 else flat
    order = xp.argsort(keys, kind="stable")
    flat = flat[order]
    if kept is not None:
        order = kept[order]
    if factors is not None:
        factors = factors[order]
    if scale_grad_by_freq:
        shares = (1 / xp.maximum(xp.bincount(flat, minlength=rows), 1))[flat]
        factors = shares if factors is None else factors * shares
    if source is not None:
        order = source[order]
    starts = xp.flatnonzero(xp.concatenate([xp.asarray([True]), flat[1:] != flat[:-1]]))
    lengths = xp.diff(xp.concatenate([starts, xp.asarray([flat.size])]))
    count = -(-len(starts) * grad.shape[1] // _BLOCK) if xp is np else 1
    cuts = sorted({round(i * len(starts) / count) for i in range(count + 1)})
    for first, last in zip(cuts, cuts[1:], strict=False):
        begins, sizes = starts[first:last], lengths[first:last]
        part = slice(begin := int(begins[0]), begin + int(sizes.sum()) if count > 1 else None)
        some = None if factors is None else factors[part]
        sum_groups(xp, grad, order[part], begins - begin, sizes, some, total, flat[begins])
    return total
