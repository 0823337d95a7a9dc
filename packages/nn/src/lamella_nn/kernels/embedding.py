"""Array kernels of look-up tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import largest
from lamella_nn.kernels.groups import sum_groups

# Elements of sums from which these are made in parts on the CPU, and of a part.
_LARGE = 1 << 20
_BLOCK = 131072


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
def embedding_backward(
    xp: Any, grad_output: Any, indices: Any, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    flat = indices.reshape(-1)
    grad = grad_output.reshape(flat.size, grad_output.shape[-1])
    total = xp.zeros((rows, grad.shape[1]), grad.dtype)
    if not flat.size:
        return total
    if padding_idx >= 0:
        kept = flat != padding_idx
        flat, grad = flat[kept], grad[kept]
    if scale_grad_by_freq:
        grad = grad / xp.bincount(flat, minlength=rows)[flat][:, None].astype(grad.dtype)
    if flat.size:
        # Sorted, equal rows stand together. Sorting 16 bits is many times as fast.
        keys = flat.astype(xp.uint16) if rows <= 1 << 16 else flat
        order = xp.argsort(keys, kind="stable")
        flat = flat[order]
        starts = xp.flatnonzero(xp.concatenate([xp.asarray([True]), flat[1:] != flat[:-1]]))
        lengths = xp.diff(xp.concatenate([starts, xp.asarray([flat.size])]))
        size = len(starts) * grad.shape[1]
        count = -(-size // _BLOCK) if xp is np and size > _LARGE else 1
        cuts = sorted({round(i * len(starts) / count) for i in range(count + 1)})
        for first, last in zip(cuts, cuts[1:], strict=False):
            begins, sizes = starts[first:last], lengths[first:last]
            begin = int(begins[0])
            index = order[begin : begin + int(sizes.sum())] if count > 1 else order
            sums = sum_groups(xp, grad, index, begins - begin, sizes)
            total[flat[begins]] = sums.astype(total.dtype, copy=False)
    return total
