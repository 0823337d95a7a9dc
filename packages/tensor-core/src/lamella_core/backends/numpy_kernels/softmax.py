"""Softmax over the last dimension on the CPU, some rows at a time, spread over threads.

Sums over a row are products with ones: BLAS adds faster than NumPy's reductions. So they are for
few elements, where NumPy's reductions cost as much as all the rest. What is left goes to the
kernels that all devices share.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, PART, SINGLE, by_parts, converted
from lamella_core.dispatch import register_kernel
from lamella_core.kernels import activation as whole
from lamella_core.kernels.gathering import FEW
from lamella_core.kernels.reduction import extremum, ones_of
from lamella_core.offers import room
from lamella_core.parallel import even_step, shares, spread

_BLOCK = 131072
# Where a block needs memory of its own, two threads stay below half a megabyte.
_SPARE_BLOCK = 65536
_SMALL = 16384
# The shortest row for which a call for each row's scalar is a small part of the work.
_NARROW = 32
# Numbers up to this need not be shifted by the largest one of their row before exp: sums do not
# overflow, and while they are above the other bound no digits are lost.
_SMALL_NUMBER = 30.0
_SMALL_SUM = 1e-13


def _is_plain(array: Any, dim: int) -> bool:
    return (
        array.size >= _SMALL
        and dim in (-1, array.ndim - 1)
        and array.shape[-1] >= _NARROW
        and array.dtype.char in "fd"
        and array.flags.c_contiguous
    )


def _has_few(array: Any, dim: int) -> bool:
    return (
        0 < array.size <= FEW
        and array.dtype.char in "fd"
        and array.flags.c_contiguous
        and dim == array.ndim - 1 >= 0
    )


def _outer(shape: tuple[int, ...], inner: int = -1) -> int:
    # The dimension to cut, another than one: an outer one, whose parts are long runs of memory.
    dims = [dim for dim in range(len(shape)) if dim != inner]
    return max(dims, key=lambda dim: (min(shape[dim], 16), -dim))


def _in_parts(kernel: Any, dim: int, *arrays: Any, widens: bool = True) -> Any:
    # A kernel of half precision along a dimension, in float32 over parts of another dimension.
    first = arrays[0]
    wide = SINGLE if widens else first.dtype
    if first.size < LARGE or first.ndim == 1:
        return kernel(*[each.astype(wide, copy=False) for each in arrays], dim).astype(first.dtype)
    other = _outer(first.shape, dim)
    result = room(np, first.shape, first.dtype)
    step = max(1, PART // 2 * first.shape[other] // first.size)

    def run(starts: range) -> None:
        for start in starts:
            part = (*(slice(None),) * other, slice(start, start + step))
            rows = kernel(*[converted(each[part], wide) for each in arrays], dim)
            result[part] = converted(rows, first.dtype)

    spread(run, shares(first.shape[other], step))
    return result


def _sum_of_exp(array: Any, dim: int) -> Any:
    # The sum of exp over a dimension, whose parts are taken one after the other.
    step = PART * array.shape[dim] // array.size
    if array.size < LARGE or not step:
        return _exp_and_sum(array, dim, True)
    total: Any = 0
    for start in range(0, array.shape[dim], step):
        part = (*(slice(None),) * dim, slice(start, start + step))
        total = total + np.exp(array[part]).sum(dim, keepdims=True)
    return total


# Where one number along the dimension is more than a block.
_exp_and_sum = by_parts(
    lambda xp, array, dim, keeps: xp.add.reduce(xp.exp(array), dim, None, None, keeps), 0, 1
)


def _softmax_of_few(input: Any) -> Any:
    # Softmax over the last dimension without a shift, None where the numbers do not allow it.
    length = input.shape[-1]
    all_ones = ones_of(input.dtype)
    result = np.exp(input)
    if input.ndim == 1:
        total = result.dot(all_ones[:length])
        return np.divide(result, total, result) if _SMALL_SUM < total.item() < inf else None
    rows = result.reshape(-1, length)
    total = rows.dot(all_ones[:length])
    share = np.reciprocal(total)
    each = all_ones[: len(total), 0]
    # What is infinite or missing in one row makes these sums so.
    if not (each.dot(total).item() < inf and each.dot(share).item() < 1 / _SMALL_SUM):
        return None
    np.multiply(rows, share, rows)
    return result


def softmax(input: Any, dim: int) -> Any:
    if input.dtype.itemsize == 2:
        return _in_parts(softmax, dim, input)
    if not _is_plain(input, dim):
        result = _softmax_of_few(input) if _has_few(input, dim) else None
        return whole.softmax(np, input, dim) if result is None else result
    length = input.shape[-1]
    result = room(np, input.shape, input.dtype, True)
    values, out = input.reshape(-1, length), result.reshape(-1, length)
    ones = np.ones((length, 1), input.dtype)
    step = even_step(len(values), max(1, _BLOCK // length))

    def run(starts: range) -> None:
        for start in starts:
            block, exponents = values[start : start + step], out[start : start + step]
            small = bool(block.max() < _SMALL_NUMBER)
            if small:
                total = np.dot(np.exp(block, exponents), ones)
                small = bool(total.min() > _SMALL_SUM)
            if not small:
                np.subtract(block, extremum(np, "max", block, 1, True), exponents)
                total = np.dot(np.exp(exponents, exponents), ones)
            np.multiply(exponents, np.divide(1, total, total), exponents)

    spread(run, shares(len(values), step))
    return result


def log_softmax(input: Any, dim: int) -> Any:
    if not _is_plain(input, dim):
        kernel = partial(whole.log_softmax, np)
        if input.dtype.itemsize == 2:
            return _in_parts(kernel, dim, input, widens=False)
        if input.size < LARGE:
            return kernel(input, dim)
        result = room(np, input.shape, input.dtype, True)
        np.subtract(input, extremum(np, "max", input, dim, True), result)
        return np.subtract(result, np.log(_sum_of_exp(result, dim)), result)
    length = input.shape[-1]
    result = room(np, input.shape, input.dtype, True)
    values, out = input.reshape(-1, length), result.reshape(-1, length)
    ones = np.ones((length, 1), input.dtype)
    step = even_step(len(values), max(1, _SPARE_BLOCK // length))

    def run(starts: range) -> None:
        spare = np.empty((step, length), input.dtype)
        for start in starts:
            block, shifted = values[start : start + step], out[start : start + step]
            exponents = spare[: len(block)]
            np.subtract(block, extremum(np, "max", block, 1, True), shifted)
            total = np.dot(np.exp(shifted, exponents), ones)
            np.subtract(shifted, np.log(total, total), shifted)

    spread(run, shares(len(values), step))
    return result


def softmax_backward(grad: Any, result: Any, dim: int) -> Any:
    if result.dtype.itemsize == 2:
        return _in_parts(softmax_backward, dim, grad, result)
    if not (_is_plain(result, dim) and _fits(grad, result)):
        if result.size < LARGE:
            return whole.softmax_backward(np, grad, result, dim)
        product = grad * result
        total = product.sum(dim, keepdims=True)
        cut = _outer(product.shape)
        step = max(1, PART * product.shape[cut] // product.size)

        def subtract(starts: range) -> None:
            for start in starts:
                part = (*(slice(None),) * cut, slice(start, start + step))
                share = total if cut == dim else total[part]
                np.subtract(product[part], result[part] * share, product[part])

        spread(subtract, shares(product.shape[cut], step))
        return product
    length = result.shape[-1]
    slopes = np.empty_like(result)
    above, values, out = (x.reshape(-1, length) for x in (grad, result, slopes))
    step = even_step(len(values), max(1, _BLOCK // length))

    def run(starts: range) -> None:
        for start in starts:
            rows = slice(start, start + step)
            inner = np.vecdot(above[rows], values[rows])[:, None]
            np.subtract(above[rows], inner, out[rows])
            np.multiply(out[rows], values[rows], out[rows])

    spread(run, shares(len(values), step))
    return slopes


def _fits(grad: Any, result: Any) -> bool:
    return grad.dtype == result.dtype and grad.shape == result.shape and grad.flags.c_contiguous


def log_softmax_backward(grad: Any, result: Any, dim: int) -> Any:
    kernel = partial(whole.log_softmax_backward, np)
    if result.dtype.itemsize == 2:
        return _in_parts(kernel, dim, grad, result)
    return kernel(grad, result, dim)


_kernels: tuple[Any, ...] = (softmax, log_softmax, softmax_backward, log_softmax_backward)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
