"""Array kernels of the reductions."""

from __future__ import annotations

from functools import cache
from math import prod as product
from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import FEW, along

# NumPy adds pairwise along a contiguous axis only. Along another axis it adds row after row, and
# the rounding errors of a million float32 grow to a hundredth; sums of sums of this many rows
# bound them.
_ROWS = 128
# The longest rows that are added by BLAS, and the most whose extrema are read where they are found.
_ROW, _MANY = 256, 16384


def _in_short_rows(xp: Any, input: Any, axis: Any) -> bool:
    # Whether it is along rows, each of which costs NumPy's reductions a call.
    return (
        axis == input.ndim - 1
        and xp is np
        and input.dtype.char in "fd"
        and 0 < input.shape[axis] <= _ROW
        and input.flags.c_contiguous
    )


@cache
def ones_of(dtype: Any) -> Any:
    # BLAS adds by products with them.
    return np.ones((FEW, 1), dtype)


@shared_kernel
def sum(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    if axis.__class__ is tuple and len(axis) == 1:
        (axis,) = axis
    if axis.__class__ is tuple:
        if axis and max(axis) < input.ndim - 1 and input.dtype.kind in "fc":
            # The last dimension stays: dimension by dimension, fewer rows are added in a row.
            input = sum(xp, input, max(axis), True)
    elif axis.__class__ is int and _in_short_rows(xp, input, axis):
        length = input.shape[axis]
        ones = ones_of(input.dtype)[:length]
        if input.ndim < 3:
            return input.dot(ones if keepdims else ones[:, 0])
        total = input.reshape(-1, length).dot(ones)
        return total.reshape((*input.shape[:-1], 1) if keepdims else input.shape[:-1])
    elif input.size > 64 * _ROWS and input.dtype.kind in "fc":
        shape = input.shape
        input = _shortened(xp, input, axis)
        if axis is None and keepdims:
            return xp.reshape(xp.add.reduce(input, None), (1,) * len(shape))
    return xp.add.reduce(input, axis, None, None, keepdims)


def _shortened(xp: Any, input: Any, axis: Any) -> Any:
    # Sums of blocks, where the whole axis would be added up row after row.
    if axis is None:
        if input.flags.forc:
            return input
        # In the order of memory.
        order = sorted(range(input.ndim), key=[-step for step in input.strides].__getitem__)
        input = input.transpose(order)
        if input.flags.c_contiguous or input.shape[-1] < _ROWS:
            return input.ravel()
        return _shortened(xp, xp.add.reduce(input, -1), None)
    if axis.__class__ is not int:
        return input
    size = input.shape[axis]
    if size <= 4 * _ROWS or input.strides[axis] == input.itemsize:
        return input
    whole = size - size % _ROWS
    head = (slice(None),) * axis
    shape = input.shape
    blocks = input[(*head, slice(whole))].reshape(
        *shape[:axis], whole // _ROWS, _ROWS, *shape[axis + 1 :]
    )
    sums = _shortened(xp, xp.add.reduce(blocks, axis + 1), axis)
    if whole == size:
        return sums
    rest = xp.add.reduce(input[(*head, slice(whole, None))], axis, None, None, True)
    return xp.concatenate((sums, rest), axis)


@shared_kernel
def nansum(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    missing = input != input
    return sum(xp, xp.where(missing, input.dtype.type(0), input), axis, keepdims)


@shared_kernel
def mean(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    total = sum(xp, input, axis, keepdims)
    total /= reduced_size(input.shape, axis)
    return total


def reduced_size(shape: tuple[int, ...], axis: Any) -> int:
    # How many elements go into each element of a reduction's result.
    if axis is None:
        return product(shape)
    if axis.__class__ is int:
        return shape[axis]
    return product([shape[a] for a in axis])


@shared_kernel
def prod(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    return xp.multiply.reduce(input, axis, None, None, keepdims)


@shared_kernel
def amax(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    _expect_elements("amax", input.shape, axis)
    return extremum(xp, "max", input, axis, keepdims)


@shared_kernel
def amin(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    _expect_elements("amin", input.shape, axis)
    return extremum(xp, "min", input, axis, keepdims)


def extremum(xp: Any, name: str, input: Any, axis: Any, keepdims: bool) -> Any:
    # The greatest elements ("max") or the least. NumPy finds where one is sooner than what it is:
    # of all where they are few, of rows of floating numbers unless they are long.
    find = input.argmax if name == "max" else input.argmin
    if axis is None:
        if input.size <= FEW and input.ndim and not keepdims:
            return input.reshape(-1)[find()]
    elif _in_short_rows(xp, input, axis) and input.size <= _MANY * input.shape[axis]:
        place = find(axis, keepdims=True)
        if input.size <= FEW:
            found = along(np, input, axis, place)
        else:
            starts = np.arange(0, input.size, input.shape[axis]).reshape(place.shape)
            found = input.take(place + starts)
        return found if keepdims else found.squeeze(axis)
    return (input.max if name == "max" else input.min)(axis, None, keepdims)


def _expect_elements(op_name: str, shape: tuple[int, ...], axis: Any) -> None:
    if 0 not in shape:
        return
    if axis is None:
        raise (IndexError if op_name.startswith("arg") else RuntimeError)(
            f"{op_name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
            f"the reduction dim with the 'dim' argument."
        )
    for each in (axis,) if axis.__class__ is int else axis:
        if shape[each] == 0:
            raise IndexError(
                f"{op_name}(): Expected reduction dim {each} to have non-zero size. "
                f"Got shape {list(shape)}"
            )


@shared_kernel
def argmax(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    _expect_elements("argmax", input.shape, axis)
    return input.argmax(axis, keepdims=keepdims)


@shared_kernel
def argmin(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    _expect_elements("argmin", input.shape, axis)
    return input.argmin(axis, keepdims=keepdims)


@shared_kernel
def max_dim(xp: Any, input: Any, axis: int, keepdims: bool) -> tuple[Any, Any]:
    return _with_index(xp, "max", input, axis, keepdims)


@shared_kernel
def min_dim(xp: Any, input: Any, axis: int, keepdims: bool) -> tuple[Any, Any]:
    return _with_index(xp, "min", input, axis, keepdims)


def _with_index(xp: Any, op_name: str, input: Any, axis: int, keepdims: bool) -> tuple[Any, Any]:
    if not input.ndim:
        return input.copy(), xp.zeros((), xp.int64)
    _expect_elements(op_name, input.shape, axis)
    index = (input.argmax if op_name == "max" else input.argmin)(axis, keepdims=True)
    value = along(xp, input, axis, index)
    return (value, index) if keepdims else (value.squeeze(axis), index.squeeze(axis))


@shared_kernel
def all(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    return input.all(axis, keepdims=keepdims)


@shared_kernel
def any(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    return input.any(axis, keepdims=keepdims)


@shared_kernel
def count_nonzero(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    return xp.add.reduce(input != 0, axis, xp.int64, None, keepdims)


@shared_kernel
def logsumexp(xp: Any, input: Any, axis: Any, keepdims: bool) -> Any:
    if reduced_size(input.shape, axis) == 0:
        return xp.log(xp.add.reduce(input, axis, None, None, keepdims))
    top = extremum(xp, "max", input.real, axis, True)
    top = xp.where(xp.isfinite(top), top, 0)
    shifted = input - top
    shifted = xp.exp(shifted, shifted if shifted.ndim else None)
    result = xp.log(sum(xp, shifted, axis, True)) + top
    return result if keepdims else result.squeeze(axis)


@shared_kernel
def vector_norm(xp: Any, input: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    if ord == 2:
        if axis is None and not keepdims and input.dtype.kind == "f" and input.flags.forc:
            flat = input.ravel("K")
            return xp.sqrt(xp.dot(flat, flat))
        if input.dtype.kind == "c":
            squares = input.real * input.real
            squares += input.imag * input.imag
        else:
            squares = input * input
        return xp.sqrt(sum(xp, squares, axis, keepdims))
    size = abs(input)
    if ord == 1:
        return sum(xp, size, axis, keepdims)
    if ord == 0:
        return xp.add.reduce(size != 0, axis, size.dtype, None, keepdims)
    if ord in (float("inf"), float("-inf")):
        if reduced_size(size.shape, axis) == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
                f"operation does not have an identity (shape {list(size.shape)})"
            )
        return extremum(xp, "max" if ord > 0 else "min", size, axis, keepdims)
    size **= ord
    return sum(xp, size, axis, keepdims) ** (1 / ord)


@shared_kernel
def nuclear_norm(xp: Any, input: Any) -> Any:
    return xp.add.reduce(xp.linalg.svd(input, compute_uv=False), -1)


@shared_kernel
def polar_factor(xp: Any, input: Any) -> Any:
    left, _, right = xp.linalg.svd(input, full_matrices=False)
    return xp.matmul(left, right)
