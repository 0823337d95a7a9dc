"""Layer normalisation on the CPU, some rows at a time, spread over threads.

The mean comes first and the variance around it, so that neither cancels; all passes over a block
find it in the cache. Sums are products with ones: BLAS adds faster than NumPy's reductions.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import register_kernel
from lamella_core.parallel import even_step, shares, spread
from lamella_nn.kernels import normalization as whole
from lamella_nn.kernels.cpu import channel_statistics as by_parts
from lamella_nn.kernels.precision import compute_type, put, single

_BLOCK = 131072
# Below this size, one pass over the whole takes less time than the calls that blocks take.
_SMALL = 16384
# Numbers of half precision that are widened at a time.
_HALF_BLOCK = 49152
# Those of a channel up to which it is widened as a whole, once.
_MOST_OF_CHANNEL = 98304
# Elements of sums that blocks of rows have for themselves, and the fewest blocks that are one then.
_MOST_SUMS = 131072
_FEWEST_SUMS = 8


def _vector(array: Any, dtype: Any) -> Any:
    if array is None or (array.ndim == 1 and array.dtype is dtype):
        return array
    return converted(array.reshape(-1), dtype)


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


def _layer_norm_of_half(
    input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    """In float32, some rows at a time; all results are rounded."""
    length, dtype = prod(sizes), input.dtype
    lead = input.shape[: input.ndim - len(sizes)]
    rows = np.ascontiguousarray(input).reshape(prod(lead), length)
    weight, bias = (
        None if each is None else each.reshape(-1) for each in map(single, (weight, bias))
    )
    result = np.empty(rows.shape, dtype)
    mean, rstd = np.empty((2, len(rows), 1), dtype)
    step = max(1, _HALF_BLOCK // max(length, 1))

    def normalize(part: slice) -> None:
        given = single(rows[part]), (length,), weight, bias, eps
        found, mean[part], rstd[part] = native_layer_norm(*given)
        put(result[part], found)

    spread(normalize, [slice(start, start + step) for start in range(0, len(rows), step)])
    kept = (*lead, *[1] * len(sizes))
    return result.reshape(input.shape), mean.reshape(kept), rstd.reshape(kept)


def native_layer_norm(
    input: Any, sizes: tuple[int, ...], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    if input.dtype.itemsize == 2:
        return _layer_norm_of_half(input, sizes, weight, bias, eps)
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


def _channels_of_half(
    kernel: Any, arrays: tuple[Any, ...], vectors: tuple[Any, ...], eps: float
) -> Any:
    """A kernel of batch normalization in float32, some channels at a time; results are rounded."""
    first = arrays[0]
    batch, channels = first.shape[:2]
    arrays = tuple([each.reshape(batch, channels, -1) for each in arrays])
    vectors = tuple(map(single, vectors))
    result = np.empty(arrays[0].shape, first.dtype)
    further = np.empty((2, channels), first.dtype)
    step = max(1, _HALF_BLOCK * channels // first.size)
    for start in range(0, channels, step):
        part = slice(start, start + step)
        parts = [None if each is None else each[part] for each in vectors]
        given = [single(each[:, part]) for each in arrays]
        found, *rest = kernel(np, *given, *parts, eps)
        put(result[:, part], found)
        further[0, part], further[1, part] = rest
    return result.reshape(first.shape), further[0], further[1]


def _has_small_channels(*arrays: Any) -> bool:
    """Whether a channel of half precision may be converted as a whole, and is not scattered."""
    first = arrays[0]
    return (
        first.dtype.itemsize == 2
        and first.size <= _MOST_OF_CHANNEL * first.shape[1]
        and all([each.flags.c_contiguous for each in arrays])
    )


def _of_nothing(kernel: Any, given: tuple[Any, ...], eps: float) -> tuple[Any, Any, Any]:
    """A kernel of batch normalization of an empty array, in float32 for half precision."""
    found = kernel(np, *map(single, given), eps)
    first, second, third = (converted(each, given[0].dtype) for each in found)
    return first, second, third


def _rounded(values: Any, dtype: Any) -> Any:
    """Statistics of float64 in a type."""
    return converted(values.astype(compute_type(dtype)), dtype)


def _batch_norm_in_parts(input: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    values, result = by_parts.begun(input)
    mean, variance = by_parts.moments(values, False)
    scale = 1 / np.sqrt(variance + eps)
    if weight is not None:
        scale = scale * single(weight)
    shift = None if bias is None else single(bias)[None]
    by_parts.scale(result, values, mean, scale, shift)
    return result, _rounded(mean[0], input.dtype), _rounded(variance[0], input.dtype)


def native_batch_norm(input: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    if input.size and by_parts.lies_apart(input):
        if _has_small_channels(input):
            return _channels_of_half(whole.native_batch_norm, (input,), (weight, bias), eps)
        return _batch_norm_in_parts(input, weight, bias, eps)
    if not input.size:
        return _of_nothing(whole.native_batch_norm, (input, weight, bias), eps)
    if input.size >= _SMALL or input.dtype.char not in "fd" or not input.flags.c_contiguous:
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


def native_batch_norm_backward(
    grad_output: Any, input: Any, weight: Any, mean: Any, variance: Any, eps: float
) -> tuple[Any, Any, Any]:
    if not input.size:
        given = grad_output, input, weight, mean, variance
        return _of_nothing(whole.native_batch_norm_backward, given, eps)
    if not by_parts.lies_apart(grad_output, input):
        return whole.native_batch_norm_backward(np, grad_output, input, weight, mean, variance, eps)
    if _has_small_channels(grad_output, input):
        arrays, vectors = (grad_output, input), (weight, mean, variance)
        return _channels_of_half(whole.native_batch_norm_backward, arrays, vectors, eps)
    mean, variance = (single(each).astype(np.float64)[None] for each in (mean, variance))
    values, result = by_parts.begun(input)
    sums, dots = by_parts.products(grad_output, values, mean)
    rstd = 1 / np.sqrt(variance + eps)
    dots *= rstd
    scale = rstd if weight is None else rstd * single(weight)
    each = scale / -(input.size // input.shape[1])
    inner = dots * rstd * each
    by_parts.combine(result, grad_output, values, mean, inner, scale, sums * each)
    return result, _rounded(dots[0], input.dtype), _rounded(sums[0], input.dtype)


def _layer_norm_backward_of_half(
    grad_output: Any, input: Any, sizes: tuple[int, ...], weight: Any, mean: Any, rstd: Any
) -> tuple[Any, Any, Any]:
    """In float32, some rows at a time; all results are rounded."""
    length, dtype = prod(sizes), input.dtype
    count = prod(input.shape[: input.ndim - len(sizes)])
    grads, values = grad_output.reshape(count, length), input.reshape(count, length)
    mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    weight = None if weight is None else single(weight).reshape(-1)
    result = np.empty(values.shape, dtype)
    to_weight, to_bias = np.zeros((2, length), np.float32)
    step = max(1, _HALF_BLOCK // max(length, 1))
    for start in range(0, len(values), step):
        part = slice(start, start + step)
        grad, value, *statistics = (single(each[part]) for each in (grads, values, mean, rstd))
        found, to_weight_here, to_bias_here = native_layer_norm_backward(
            grad, value, (length,), weight, *statistics
        )
        put(result[part], found)
        to_weight += to_weight_here
        to_bias += to_bias_here
    return (
        result.reshape(input.shape),
        converted(to_weight.reshape(sizes), dtype),
        converted(to_bias.reshape(sizes), dtype),
    )


def native_layer_norm_backward(
    grad_output: Any, input: Any, sizes: tuple[int, ...], weight: Any, mean: Any, rstd: Any
) -> tuple[Any, Any, Any]:
    if grad_output.dtype.itemsize == 2:
        return _layer_norm_backward_of_half(grad_output, input, sizes, weight, mean, rstd)
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
    # Sums for each group of blocks, added at the end, so that the order does not depend on the
    # threads. Where a row is more than a block these would be as large as the input.
    by_columns = step == 1 and length > _BLOCK // 2
    count = -(-len(values) // step)
    if count * length > _MOST_SUMS:
        count = min(count, max(_FEWEST_SUMS, _MOST_SUMS // length))
    rows_each = -(-len(values) // (count * step)) * step
    if by_columns:
        to_weight, to_bias = _column_sums(grads, values, mean, rstd)
    else:
        to_weight, to_bias = np.zeros((2, count, 1, length), dtype)

    def differentiate(numbers: range) -> None:
        spare = np.empty((step, length), dtype)
        blocks = [
            (number, start)
            for number in numbers
            for start in range(number * rows_each, (number + 1) * rows_each, step)
        ]
        for number, start in blocks:
            rows = slice(start, start + step)
            grad, slope, scale = grads[rows], result[rows], rstd[rows]
            scaled = spare[: len(grad)]
            centered = np.subtract(values[rows], mean[rows], slope)
            # Sums over the rows as products: with 1 / deviation for the weight, which is
            # differentiated by centered / deviation, and with ones for the bias.
            if not by_columns:
                to_weight[number] += np.dot(scale.T, np.multiply(grad, centered, scaled))
                to_bias[number] += np.dot(ones[:, : len(grad)], grad)
            if weight is not None:
                grad = np.multiply(grad, weight, scaled)
            inner = np.vecdot(grad, centered)[:, None]
            inner *= scale * scale / -length
            np.multiply(centered, inner, slope)
            np.add(slope, grad, slope)
            np.subtract(slope, np.dot(grad, even), slope)
            np.multiply(slope, scale, slope)

    spread(differentiate, shares(count, 1))
    if not by_columns:
        to_weight, to_bias = to_weight.sum((0, 1)), to_bias.sum((0, 1))
    return to_input, to_weight.reshape(sizes), to_bias.reshape(sizes)


def _column_sums(grads: Any, values: Any, mean: Any, rstd: Any) -> tuple[Any, Any]:
    """The gradients of weight and bias, some columns of all rows at a time."""
    count, length = grads.shape
    to_weight, to_bias = np.empty((2, 1, length), grads.dtype)
    ones = np.ones((1, count), grads.dtype)
    step = max(1, _HALF_BLOCK // count)

    def add(starts: range) -> None:
        for start in starts:
            columns = slice(start, start + step)
            grad = grads[:, columns]
            products = values[:, columns] - mean
            np.multiply(grad, products, products)
            to_weight[:, columns] = np.dot(rstd.T, products)
            to_bias[:, columns] = np.dot(ones, grad)

    spread(add, shares(length, step))
    return to_weight, to_bias


def scale_channels(input: Any, scale: Any, shift: Any) -> Any:
    if not input.size:
        return whole.scale_channels(np, input, scale, shift)
    shift = None if shift is None else shift[None]
    return by_parts.scale(by_parts.room(input), input, None, scale[None], shift)


def channel_dot(first: Any, second: Any) -> Any:
    """Of half precision float32."""
    if not first.size or not by_parts.lies_apart(first, second):
        return whole.channel_dot(np, single(first), single(second))
    _, dots = by_parts.products(first, second, np.zeros((1, first.shape[1])))
    return dots[0].astype(compute_type(first.dtype))


_kernels: tuple[Any, ...] = (
    scale_channels,
    channel_dot,
    native_batch_norm,
    native_batch_norm_backward,
    native_layer_norm,
    native_layer_norm_backward,
)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
