"""Layer normalisation on the CPU, some rows at a time, spread over threads.

The mean comes first and the variance around it, so that neither cancels; all passes over a block
find it in the cache. Sums are products with ones: BLAS adds faster than NumPy's reductions.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.parallel import even_step, shares, spread
from lamella_nn.kernels import normalization as whole

_BLOCK = 131072
# Below this size, one pass over the whole takes less time than the calls that blocks take.
_SMALL = 16384


def _vector(array: Any, dtype: Any) -> Any:
    if array is None or (array.ndim == 1 and array.dtype is dtype):
        return array
    return array.reshape(-1).astype(dtype, copy=False)


def _rows(array: Any, length: int) -> Any:
    return np.ascontiguousarray(array).reshape(-1, length)


@lru_cache(16)
def _evenly(length: int, dtype: Any) -> Any:
    """What a product with makes the mean of a row, and the same as one number."""
    share = np.full((length, 1), 1 / length, dtype)
    return share, share[0, 0:1].reshape(())


def _in_one_pass(
    input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    length, dtype = prod(sizes), input.dtype
    rows = input.reshape(-1, length)
    shares, share = _evenly(length, dtype)
    mean = rows.dot(shares)
    result = np.subtract(rows, mean)
    rstd = np.vecdot(result, result)[:, None]
    np.multiply(rstd, share, rstd)
    np.add(rstd, eps, rstd)
    np.reciprocal(np.sqrt(rstd, rstd), rstd)
    np.multiply(result, rstd, result)
    if weight is not None:
        np.multiply(result, _vector(weight, dtype), result)
    if bias is not None:
        np.add(result, _vector(bias, dtype), result)
    if len(sizes) == 1 and input.ndim == 2:
        return result, mean, rstd
    kept = (*input.shape[: input.ndim - len(sizes)], *[1] * len(sizes))
    return result.reshape(input.shape), mean.reshape(kept), rstd.reshape(kept)


def native_layer_norm(
    input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    if input.size < _SMALL:
        if input.size and input.dtype.char in "fd":
            return _in_one_pass(input, sizes, weight, bias, eps)
        return whole.native_layer_norm(np, input, sizes, weight, bias, eps)
    lead = input.shape[: input.ndim - len(sizes)]
    length, dtype = prod(sizes), input.dtype
    kept = (*lead, *[1] * len(sizes))
    output = np.empty(input.shape, dtype)
    mean, rstd = np.empty((2, prod(lead), 1), dtype)
    values, result = _rows(input, length), output.reshape(-1, length)
    weight, bias = _vector(weight, dtype), _vector(bias, dtype)
    even = np.full((length, 1), 1 / length, dtype)
    step = even_step(len(values), max(1, _BLOCK // length))

    def normalize(starts: range) -> None:
        for start in starts:
            rows = slice(start, start + step)
            block, centered = values[rows], result[rows]
            np.dot(block, even, mean[rows])
            np.subtract(block, mean[rows], centered)
            variance = np.vecdot(centered, centered)[:, None]
            variance /= length
            variance += eps
            np.sqrt(variance, variance)
            np.divide(1, variance, rstd[rows])
            np.multiply(centered, rstd[rows], centered)
            if weight is not None:
                np.multiply(centered, weight, centered)
            if bias is not None:
                np.add(centered, bias, centered)

    spread(normalize, shares(len(values), step))
    return output, mean.reshape(kept), rstd.reshape(kept)


def native_batch_norm(input: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    if not 0 < input.size < _SMALL or input.dtype.char not in "fd" or not input.flags.c_contiguous:
        return whole.native_batch_norm(np, input, weight, bias, eps)
    batch, channels = input.shape[:2]
    dtype = input.dtype
    # A channel's numbers in one row.
    by_channel = input.reshape(batch, channels, -1).swapaxes(0, 1)
    rows = by_channel.reshape(channels, -1)
    shares, share = _evenly(rows.shape[1], dtype)
    mean = rows.dot(shares)
    result = np.subtract(rows, mean)
    variance = np.vecdot(result, result)
    np.multiply(variance, share, variance)
    scale = variance + eps
    np.reciprocal(np.sqrt(scale, scale), scale)
    if weight is not None:
        scale *= _vector(weight, dtype)
    np.multiply(result, scale[:, None], result)
    if bias is not None:
        np.add(result, _vector(bias, dtype)[:, None], result)
    if batch > 1:
        result = np.ascontiguousarray(result.reshape(by_channel.shape).swapaxes(0, 1))
    return result.reshape(input.shape), mean[:, 0], variance


def native_layer_norm_backward(
    grad_output: Any, input: Any, sizes: tuple[int, ...], weight: Any, mean: Any, rstd: Any
) -> tuple[Any, Any, Any]:
    if input.size < _SMALL:
        return whole.native_layer_norm_backward(np, grad_output, input, sizes, weight, mean, rstd)
    length, dtype = prod(sizes), input.dtype
    to_input = np.empty(input.shape, dtype)
    values, grads = _rows(input, length), _rows(grad_output, length)
    result = to_input.reshape(-1, length)
    weight = _vector(weight, dtype)
    mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    even = np.full((length, 1), 1 / length, dtype)
    step = even_step(len(values), max(1, _BLOCK // length))
    ones = np.ones((1, step), dtype)
    # One row for each block, added at the end, so that the order does not depend on the threads.
    count = -(-len(values) // step)
    to_weight, to_bias = np.empty((2, count, 1, length), dtype)

    def differentiate(starts: range) -> None:
        spare = np.empty((step, length), dtype)
        for start in starts:
            rows = slice(start, start + step)
            grad, slope, scale = grads[rows], result[rows], rstd[rows]
            scaled, number = spare[: len(grad)], start // step
            centered = np.subtract(values[rows], mean[rows], slope)
            # Sums over the rows as products: with 1 / deviation for the weight, which is
            # differentiated by centered / deviation, and with ones for the bias.
            np.dot(scale.T, np.multiply(grad, centered, scaled), to_weight[number])
            np.dot(ones[:, : len(grad)], grad, to_bias[number])
            if weight is not None:
                grad = np.multiply(grad, weight, scaled)
            inner = np.vecdot(grad, centered)[:, None]
            inner *= scale * scale / -length
            np.multiply(centered, inner, slope)
            np.add(slope, grad, slope)
            np.subtract(slope, np.dot(grad, even), slope)
            np.multiply(slope, scale, slope)

    spread(differentiate, shares(len(values), step))
    return (
        to_input,
        to_weight.sum((0, 1)).reshape(sizes),
        to_bias.sum((0, 1)).reshape(sizes),
    )


register_kernel("native_batch_norm", native_batch_norm, "cpu")
register_kernel("native_layer_norm", native_layer_norm, "cpu")
register_kernel("native_layer_norm_backward", native_layer_norm_backward, "cpu")
