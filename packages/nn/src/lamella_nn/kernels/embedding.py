"""Array kernels of look-up tables."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def embedding(
    xp: Any, weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> Any:
    if indices.size:
        low, high = int(indices.min()), int(indices.max())
        if low < 0 or high >= weight.shape[0]:
            wrong = low if low < 0 else high
            raise IndexError(
                f"index out of range in self (embedding: index {wrong} for a weight of "
                f"{weight.shape[0]} rows)"
            )
    return weight.take(indices, 0)


@shared_kernel
def embedding_backward(
    xp: Any, grad_output: Any, indices: Any, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    flat = indices.reshape(-1)
    grad = grad_output.reshape(flat.size, -1)
    total = xp.zeros((rows, grad.shape[1]), grad.dtype)
    if not flat.size:
        return total
    if padding_idx >= 0:
        kept = flat != padding_idx
        flat, grad = flat[kept], grad[kept]
    if scale_grad_by_freq:
        grad = grad / xp.bincount(flat, minlength=rows)[flat][:, None].astype(grad.dtype)
    if flat.size:
        # Sorted, equal rows stand together, so that each row is summed by one reduction.
        order = xp.argsort(flat, kind="stable")
        flat, grad = flat[order], grad[order]
        starts = xp.flatnonzero(xp.concatenate([xp.asarray([True]), flat[1:] != flat[:-1]]))
        total[flat[starts]] = xp.add.reduceat(grad, starts, 0)
    return total
