"""Pooling of many numbers on the CPU, some images at a time: what is in between stays small."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.quiet import quiet
from lamella_nn.kernels import pooling as whole

# Elements of images from which parts are worth the calls that they take.
_LARGE = 1_800_000
# Elements of what is in between for one part.
_BLOCK = 131072


def _by_images(
    kernel: Any, dims: int, seen: int, size: int, arrays: tuple[Any, ...], *rest: Any
) -> Any:
    """A kernel on the last dimensions of arrays; of half precision in float32, rounded after.

    Args:
        kernel: without its first argument, the namespace.
        dims: how many dimensions an image has.
        seen: how many numbers there are in between for each element of the first array.
        size: how many elements the images have.
        arrays: the first arguments, of which all have the same dimensions before an image's.
        rest: the others.
    """
    first = arrays[0]
    if size < _LARGE and first.dtype.itemsize > 2:
        return kernel(*arrays, *rest)
    half = first.dtype if first.dtype.itemsize == 2 and first.dtype.kind not in "iu" else None

    def run(*parts: Any) -> list[Any]:
        if half is not None:
            parts = tuple(
                [each.astype(np.float32) if each.dtype == half else each for each in parts]
            )
        found = kernel(*parts, *rest)
        results = list(found) if found.__class__ is tuple else [found]
        if half is not None:
            results[0] = results[0].astype(half)
        return results

    count = prod(first.shape[:-dims])
    if size < _LARGE or count < 2 or not all([each.flags.c_contiguous for each in arrays]):
        results = run(*arrays)
        return results[0] if len(results) == 1 else tuple(results)
    flat = [each.reshape(count, *each.shape[-dims:]) for each in arrays]
    step = max(1, _BLOCK * count // (first.size * max(seen, 1)))
    begun = run(*[each[:step] for each in flat])
    targets = [np.empty((count, *each.shape[1:]), each.dtype) for each in begun]
    for target, each in zip(targets, begun, strict=True):
        target[:step] = each
    del begun

    for start in range(step, count, step):
        part = slice(start, start + step)
        for target, each in zip(targets, run(*[a[part] for a in flat]), strict=True):
            target[part] = each
    lead = first.shape[:-dims]
    results = [each.reshape(*lead, *each.shape[1:]) for each in targets]
    return results[0] if len(results) == 1 else tuple(results)


_max_pool_with_indices = partial(quiet(whole.max_pool_with_indices), np)
_max_pool = partial(quiet(whole.max_pool), np)
_put_flat = partial(quiet(whole.put_flat), np)
_avg_pool = partial(quiet(whole.avg_pool), np)
_avg_pool_backward = partial(quiet(whole.avg_pool_backward), np)


def max_pool_with_indices(input: Any, kernel: Any, stride: Any, *rest: Any) -> tuple[Any, Any]:
    seen = prod(kernel) // max(prod(stride), 1)
    return _by_images(
        _max_pool_with_indices, len(kernel), seen, input.size, (input,), kernel, stride, *rest
    )


def max_pool(input: Any, kernel: Any, *rest: Any) -> Any:
    if input.dtype.itemsize > 2:
        return _max_pool(input, kernel, *rest)
    return _by_images(_max_pool, len(kernel), 1, input.size, (input,), kernel, *rest)


def put_flat(input: Any, indices: Any, sizes: Any, accumulate: bool) -> Any:
    dims = len(sizes)
    seen = prod(sizes) // max(prod(input.shape[-dims:]), 1)
    return _by_images(_put_flat, dims, seen, input.size * seen, (input, indices), sizes, accumulate)


def avg_pool(input: Any, kernel: Any, stride: Any, padding: Any, *rest: Any) -> Any:
    if input.dtype.itemsize > 2 and not any(padding):
        return _avg_pool(input, kernel, stride, padding, *rest)
    rest = stride, padding, *rest
    return _by_images(_avg_pool, len(kernel), 1, input.size, (input,), kernel, *rest)


def avg_pool_backward(grad: Any, sizes: Any, *rest: Any) -> Any:
    dims = len(sizes)
    seen = prod(sizes) // max(prod(grad.shape[-dims:]), 1)
    return _by_images(_avg_pool_backward, dims, seen, grad.size * seen, (grad,), sizes, *rest)


_kernels: tuple[Any, ...] = (max_pool_with_indices, max_pool, put_flat, avg_pool, avg_pool_backward)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
