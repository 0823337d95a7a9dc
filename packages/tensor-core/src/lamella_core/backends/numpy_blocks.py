"""Pointwise kernels on large NumPy arrays, block by block: what is in between stays small.

A kernel that is an expression of several NumPy calls makes an array for each of them. Over blocks
that stay in the cache these cost neither memory nor the passes through it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.parallel import shares, spread

if TYPE_CHECKING:
    from collections.abc import Callable

# Elements of a block, and the size from which an array is worth cutting up.
_BLOCK = 32768
LARGE = 4 * _BLOCK


def by_blocks(
    kernel: Callable[..., Any], takes_out: bool, count: int | None = None
) -> Callable[..., Any]:
    """A pointwise kernel that takes large arrays block by block, and can write into ``out``.

    Args:
        kernel: any but a ufunc, which makes no temporary arrays.
        takes_out: whether the kernel itself has an argument ``out``.
        count: how many arguments it takes; one or two are passed on without being packed.
    """

    array_type = np.ndarray

    def call_one(first: Any, *, out: Any = None) -> Any:
        if out is None and first.size < LARGE:
            return kernel(first)
        return call(first, out=out)

    def call_two(first: Any, second: Any, *, out: Any = None) -> Any:
        if out is None and not (
            (first.__class__ is array_type and first.size >= LARGE)
            or (second.__class__ is array_type and second.size >= LARGE)
        ):
            return kernel(first, second)
        return call(first, second, out=out)

    def call(*args: Any, out: Any = None) -> Any:
        for each in args:
            if each.__class__ is array_type and each.size >= LARGE:
                return _run(kernel, args, out)
        if out is None:
            return kernel(*args)
        if takes_out:
            return kernel(*args, out=out)
        out[...] = kernel(*args)
        return out

    return call_one if count == 1 else call_two if count == 2 else call


def _run(kernel: Callable[..., Any], args: tuple[Any, ...], out: Any) -> Any:
    shape = np.broadcast_shapes(*[each.shape for each in args if each.__class__ is np.ndarray])
    given = [each for each in args if each.__class__ is np.ndarray and each.shape == shape]
    if out is not None and any(
        _in_the_way(each, out) for each in args if each.__class__ is np.ndarray
    ):
        out[...] = kernel(*args)
        return out
    places = [i for i, each in enumerate(args) if each.__class__ is np.ndarray and each.ndim]
    order: Any = range(len(shape))
    if given and 0 not in given[0].strides:
        # Along the memory of the first whole array, whose order of dimensions the result gets.
        order = sorted(order, key=[-s for s in given[0].strides].__getitem__)
    arrays = [_aligned(args[i], len(shape)).transpose(order) for i in places]
    target = None if out is None else out.transpose(order)
    size = tuple([shape[dim] for dim in order])
    every = arrays if target is None else [*arrays, target]
    if all(each.shape == size and each.flags.c_contiguous for each in every):
        arrays = [each.reshape(-1) for each in arrays]
        target = None if target is None else target.reshape(-1)
        size = (arrays[0].size,)
    result = _fill(kernel, args, places, arrays, size, target)
    if out is not None:
        return out
    back = sorted(range(len(order)), key=order.__getitem__)
    return result.reshape([shape[dim] for dim in order]).transpose(back)


def _in_the_way(array: np.ndarray, out: np.ndarray) -> bool:
    """Whether writing one block of ``out`` may change another block of ``array``."""
    if array is out or (
        array.strides == out.strides
        and array.__array_interface__["data"] == out.__array_interface__["data"]
    ):
        return False
    return np.may_share_memory(array, out)


def _aligned(array: np.ndarray, ndim: int) -> np.ndarray:
    return array if array.ndim == ndim else array.reshape((1,) * (ndim - array.ndim) + array.shape)


def _fill(
    kernel: Callable[..., Any],
    args: tuple[Any, ...],
    places: list[int],
    arrays: list[np.ndarray],
    size: tuple[int, ...],
    target: Any,
) -> np.ndarray:
    """Runs the kernel over blocks of the first dimension, and of each row where these are long."""
    rows = size[0]
    step = max(_BLOCK * rows // max(prod(size), 1), 1)
    cut = [each.shape[0] == rows for each in arrays]

    def block(start: int) -> Any:
        values = list(args)
        for i, each, is_cut in zip(places, arrays, cut, strict=True):
            values[i] = each[start : start + step] if is_cut else each
        return kernel(*values)

    if len(size) > 1 and prod(size[1:]) >= LARGE:
        if target is None:
            values = list(args)
            for i, each in zip(places, arrays, strict=True):
                values[i] = each[(slice(1),) * each.ndim]
            target = np.empty(size, kernel(*values).dtype)
        for row in range(rows):
            parts = [each[row if each.shape[0] == rows else 0] for each in arrays]
            _fill(kernel, args, places, parts, size[1:], target[row])
        return target
    first = block(0)
    if target is None:
        target = np.empty(size, first.dtype)
    target[:step] = first
    del first

    def run(part: range) -> None:
        for start in part:
            if start:
                target[start : start + step] = block(start)

    spread(run, shares(rows, step))
    return target
