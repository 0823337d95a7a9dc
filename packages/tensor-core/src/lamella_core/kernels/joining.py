"""Array kernels of joining."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def cat(xp: Any, tensors: list[Any], dim: int) -> Any:
    ndim = tensors[0].ndim
    for each in tensors:
        if each.ndim != ndim or not each.flags.c_contiguous:
            break
    else:
        return xp.concatenate(tensors, dim)
    # A tensor of one dimension without elements goes with any other.
    tensors = [part for part in tensors if part.shape != (0,)] or tensors
    # Otherwise the result would be laid out in memory as its parts are.
    shape = list(tensors[0].shape)
    shape[dim] = sum([part.shape[dim] for part in tensors])
    return xp.concatenate(tensors, dim, out=xp.empty(shape, tensors[0].dtype))


@shared_kernel
def stack(xp: Any, tensors: list[Any], dim: int) -> Any:
    if not dim and tensors[0].ndim:
        return cat(xp, tensors, 0).reshape(len(tensors), *tensors[0].shape)
    before = (slice(None),) * dim
    return cat(xp, [each[(*before, None)] for each in tensors], dim)
