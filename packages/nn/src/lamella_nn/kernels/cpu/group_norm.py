"""Group normalization on the CPU: every pass writes into the result, so that nothing of the
input's size is held beside it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted, is_reduced
from lamella_core.dispatch import register_kernel
from lamella_core.formats import suggests_channels_last
from lamella_core.parallel import even_step, shares, spread
from lamella_nn.kernels.cpu import channel_statistics as by_parts
from lamella_nn.kernels.precision import compute_type, put, single

# Elements of groups that are worked on together.
_BLOCK = 65536

# Those of a group of half precision up to which it is widened as a whole.
_MOST_OF_GROUP = 98304

# Places from which the statistics of each channel are small beside them.
_FEW_PLACES = 64


def _parameter(values: Any, groups: int, dtype: Any) -> Any:
    """``(groups, channels)``, or None."""
    return None if values is None else converted(values.reshape(groups, -1), dtype)


def _rows(array: Any, groups: int) -> Any:
    """``(batch * groups, channels, places)``."""
    batch, channels = array.shape[:2]
    places = prod(array.shape[2:])
    return np.ascontiguousarray(array).reshape(batch * groups, channels // groups, places)


def _factors(variance: Any, eps: float) -> Any:
    found = variance + eps
    np.sqrt(found, found)
    return np.divide(1, found, found)


def _add_scaled(out: Any, grad: Any, scale: Any) -> None:
    """``out += grad * scale``, of which ``scale`` lacks the last dimension, some at a time."""
    rows, channels, places = out.shape
    step = max(1, _BLOCK // max(rows * channels, 1))
    for start in range(0, places, step):
        part = slice(start, start + step)
        out[..., part] += grad[..., part] * scale[..., None]


def _column_products(first: Any, second: Any) -> Any:
    """``(first * second).sum(0)``, some rows at a time."""
    step = max(1, _BLOCK // max(first.shape[1], 1))
    total, ones = np.zeros(first.shape[1], first.dtype), np.ones(step, first.dtype)
    for start in range(0, len(first), step):
        products = first[start : start + step] * second[start : start + step]
        total += ones[: len(products)].dot(products)
    return total


def _column_sums(values: Any) -> Any:
    """``values.sum(0)``, by products with ones."""
    step = max(1, _BLOCK // max(values.shape[1], 1))
    total, ones = np.zeros(values.shape[1], values.dtype), np.ones(step, values.dtype)
    for start in range(0, len(values), step):
        part = values[start : start + step]
        total += ones[: len(part)].dot(part)
    return total


def _goes_by_parts(groups: int, *arrays: Any) -> bool:
    """Whether groups are too large, or arrays too scattered, for a group to be worked on whole."""
    batch, channels, *sizes = arrays[0].shape
    # Statistics of each channel are to be small beside its places.
    if prod(sizes) < _FEW_PLACES or not batch:
        return False
    if all([each.flags.c_contiguous for each in arrays]):
        return is_reduced(arrays[0]) and channels // groups * prod(sizes) > _MOST_OF_GROUP
    return by_parts.lies_apart(*arrays)


def _by_channel(values: Any, channels: int) -> Any:
    """``(batch, groups)`` for each channel."""
    return values.repeat(channels // values.shape[1], 1)


def _group_means(values: Any, groups: int) -> Any:
    """``(batch, groups)`` of ``(batch, channels)``."""
    return values.reshape(len(values), groups, -1).mean(2)


def _in_parts(input: Any, groups: int, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    channels, dtype = input.shape[1], input.dtype
    values, result = by_parts.begun(input)
    means, variances = by_parts.moments(values, True)
    mean = _group_means(means, groups)
    away = means - _by_channel(mean, channels)
    variance = _group_means(variances + away * away, groups)
    scale = _by_channel(_factors(variance, eps), channels)
    if weight is not None:
        scale *= single(weight)
    shift = None if bias is None else single(bias)[None]
    by_parts.scale(result, values, _by_channel(mean, channels), scale, shift)
    kind = compute_type(dtype)
    return (result, *[converted(each.astype(kind), dtype) for each in (mean, variance)])


def _backward_in_parts(
    grad: Any, input: Any, groups: int, weight: Any, mean: Any, variance: Any, eps: float
) -> tuple[Any, Any, Any]:
    channels, dtype = input.shape[1], input.dtype
    mean, variance = (single(each).astype(np.float64) for each in (mean, variance))
    middle, rstd = (_by_channel(each, channels) for each in (mean, _factors(variance, eps)))
    values, result = by_parts.begun(input)
    sums, dots = by_parts.products(grad, values, middle)
    dots *= rstd
    parameters = [
        converted(each.sum(0).astype(compute_type(dtype)), dtype) for each in (dots, sums)
    ]
    if weight is not None:
        weight = single(weight)
        sums, dots = sums * weight, dots * weight
    each = -rstd / prod(input.shape[2:])
    inner, shift = (_by_channel(_group_means(x, groups), channels) * each for x in (dots, sums))
    scale = rstd if weight is None else rstd * weight
    by_parts.combine(result, grad, values, middle, inner * rstd, scale, shift)
    return (result, *parameters)


def native_group_norm(
    input: Any, groups: int, weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    if is_reduced(input) and _goes_by_parts(groups, input):
        return _in_parts(input, groups, weight, bias, eps)
    dtype = compute_type(input.dtype)
    weight, bias = _parameter(weight, groups, dtype), _parameter(bias, groups, dtype)
    if suggests_channels_last(input) and dtype == input.dtype:
        return _of_channels_last(input, groups, weight, bias, eps)
    values = _rows(input, groups)
    count, channels, places = values.shape
    length = channels * places
    # What was brought together is a copy, and is written over.
    is_copy = not np.may_share_memory(values, input)
    result = values if is_copy else np.empty(values.shape, input.dtype)
    mean, variance = np.empty((2, count, 1), dtype)
    even = np.full((min(length, _BLOCK), 1), 1 / max(length, 1), dtype)
    step = even_step(count, max(1, _BLOCK // max(length, 1)))

    def normalize(starts: range) -> None:
        for start in starts:
            rows = slice(start, start + step)
            # What was converted is a copy, and can be written over.
            block = converted(values[rows], dtype)
            out = result[rows] if dtype == input.dtype else block
            centered = out.reshape(len(out), length)
            flat = block.reshape(len(out), length)
            if length == len(even):
                np.dot(flat, even, mean[rows])
            else:
                np.divide(np.add.reduce(flat, 1, keepdims=True), length, mean[rows])
            np.subtract(flat, mean[rows], centered)
            variance[rows, 0] = np.vecdot(centered, centered)
            variance[rows] /= max(length, 1)
            scale = _factors(variance[rows], eps)
            which = np.arange(start, start + len(out)) % groups
            if weight is not None:
                scale = scale * weight[which]
            np.multiply(out, scale[..., None], out)
            if bias is not None:
                np.add(out, bias[which][..., None], out)
            if out is block:
                put(result[rows], out)

    spread(normalize, shares(count, step))
    statistics = [
        converted(each.reshape(len(input), groups), input.dtype) for each in (mean, variance)
    ]
    return (result.reshape(input.shape), *statistics)


def _of_channels_last(
    input: Any, groups: int, weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    values = np.moveaxis(input, 1, -1)
    batch, channels = len(values), values.shape[-1]
    values = values.reshape(batch, -1, channels)
    places = values.shape[1]
    each = channels // groups
    result = np.empty(values.shape, input.dtype)
    mean, variance = np.empty((2, batch, groups), input.dtype)
    for n in range(batch):
        out = result[n]
        sums = _column_sums(values[n]).reshape(groups, each)
        np.divide(sums.sum(1), places * each, mean[n])
        np.subtract(values[n], mean[n].repeat(each), out)
        squares = _column_products(out, out).reshape(groups, each)
        np.divide(squares.sum(1), places * each, variance[n])
        scale = _factors(variance[n], eps)[:, None]
        scale = scale.repeat(each, 1) if weight is None else scale * weight
        np.multiply(out, scale.reshape(-1), out)
        if bias is not None:
            np.add(out, bias.reshape(-1), out)
    shape = (batch, *input.shape[2:], channels)
    return np.moveaxis(result.reshape(shape), -1, 1), mean, variance


def native_group_norm_backward(
    grad_output: Any, input: Any, groups: int, weight: Any, mean: Any, variance: Any, eps: float
) -> tuple[Any, Any, Any]:
    if _goes_by_parts(groups, grad_output, input):
        return _backward_in_parts(grad_output, input, groups, weight, mean, variance, eps)
    dtype = compute_type(input.dtype)
    weight = _parameter(weight, groups, dtype)
    mean, variance = converted(mean, dtype), converted(variance, dtype)
    if suggests_channels_last(input) and dtype == input.dtype:
        return _backward_of_channels_last(grad_output, input, groups, weight, mean, variance, eps)
    values, grads = _rows(input, groups), _rows(grad_output, groups)
    mean, variance = mean.reshape(-1, 1), variance.reshape(-1, 1)
    count, channels, places = values.shape
    length = max(channels * places, 1)
    result = np.empty(values.shape, input.dtype)
    all_products, all_sums = np.empty((2, count, channels), dtype)
    step = even_step(count, max(1, _BLOCK // length))

    def differentiate(starts: range) -> None:
        for start in starts:
            rows = slice(start, start + step)
            block, grad = (converted(each[rows], dtype) for each in (values, grads))
            out = result[rows] if dtype == input.dtype else block
            np.subtract(block, mean[rows][..., None], out)
            rstd = _factors(variance[rows], eps)
            products, sums = all_products[rows], all_sums[rows]
            np.multiply(np.vecdot(grad, out), rstd, products)
            np.add.reduce(grad, 2, None, sums)
            scale = None
            if weight is not None:
                scale = weight[np.arange(start, start + len(out)) % groups]
                products, sums = products * scale, sums * scale
            np.multiply(out, (products.sum(1, keepdims=True) * rstd / -length)[..., None], out)
            if scale is None:
                np.add(out, grad, out)
            else:
                _add_scaled(out, grad, scale)
            np.subtract(out, (sums.sum(1, keepdims=True) / length)[..., None], out)
            np.multiply(out, rstd[..., None], out)
            if out is block:
                put(result[rows], out)

    spread(differentiate, shares(count, step))
    parameters = [
        converted(each.reshape(len(input), groups * channels).sum(0), input.dtype)
        for each in (all_products, all_sums)
    ]
    return (result.reshape(input.shape), *parameters)


def _backward_of_channels_last(
    grad_output: Any, input: Any, groups: int, weight: Any, mean: Any, variance: Any, eps: float
) -> tuple[Any, Any, Any]:
    values, grads = np.moveaxis(input, 1, -1), np.moveaxis(grad_output, 1, -1)
    batch, channels = len(values), values.shape[-1]
    values, grads = (each.reshape(batch, -1, channels) for each in (values, grads))
    places, each = values.shape[1], channels // groups
    result = np.empty(values.shape, input.dtype)
    to_weight, to_bias = np.zeros((2, channels), input.dtype)
    for n in range(batch):
        out, grad = result[n], grads[n]
        np.subtract(values[n], mean[n].repeat(each), out)
        rstd = _factors(variance[n], eps).repeat(each)
        products, sums = _column_products(grad, out) * rstd, _column_sums(grad)
        to_weight += products
        to_bias += sums
        if weight is not None:
            products, sums = products * weight.reshape(-1), sums * weight.reshape(-1)
        inner, total = (
            (x.reshape(groups, each).sum(1) / (places * each)).repeat(each)
            for x in (products, sums)
        )
        np.multiply(out, -inner * rstd, out)
        if weight is None:
            np.add(out, grad, out)
        else:
            _add_scaled(out.T[None], grad.T[None], weight.reshape(1, -1))
        np.subtract(out, total, out)
        np.multiply(out, rstd, out)
    shape = (batch, *input.shape[2:], channels)
    return np.moveaxis(result.reshape(shape), -1, 1), to_weight, to_bias


_kernels: tuple[Any, ...] = (native_group_norm, native_group_norm_backward)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
