"""Pooling kernels against loops over the windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lamella_nn.kernels import pooling as kernels

SETTINGS = [
    # kernel, stride, padding, dilation, ceil_mode
    (2, 2, 0, 1, False),
    (3, 1, 1, 1, False),
    (3, 2, 1, 1, True),
    (2, 1, 1, 2, False),
    (2, 3, 0, 1, True),
]


def windows(sizes, kernel, stride, padding, dilation, out):
    """For each window, the places of its elements inside the input."""
    for place in product(*map(range, out)):
        inside = []
        for k in product(range(kernel), repeat=len(sizes)):
            at = tuple(stride * x - padding + dilation * i for x, i in zip(place, k, strict=True))
            if all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                inside.append(at)
        yield place, inside


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "ceil_mode"), SETTINGS)
def test_maxima_and_their_indices(dims, kernel, stride, padding, dilation, ceil_mode):
    sizes = (7, 6, 5)[:dims]
    input = np.random.default_rng(0).standard_normal((2, *sizes))
    each = [(n,) * dims for n in (kernel, stride, padding, dilation)]
    values, indices = kernels.max_pool_with_indices(np, input, *each, ceil_mode)
    grad = np.random.default_rng(1).standard_normal(values.shape)
    expected = np.zeros(input.shape)
    for n in range(2):
        out = values.shape[1:]
        for place, inside in windows(sizes, kernel, stride, padding, dilation, out):
            best = max(inside, key=lambda at: input[(n, *at)])
            assert values[(n, *place)] == input[(n, *best)]
            assert indices[(n, *place)] == np.ravel_multi_index(best, sizes)
            expected[(n, *best)] += grad[(n, *place)]
    np.testing.assert_array_equal(kernels.max_pool(np, input, *each, ceil_mode), values)
    overlap = stride <= dilation * (kernel - 1)
    back = kernels.put_flat(np, grad, indices, sizes, overlap)
    np.testing.assert_allclose(back, expected, atol=1e-12)


def test_equal_elements_choose_the_first_and_nan_wins():
    values, indices = kernels.max_pool_with_indices(
        np, np.array([[3.0, 3.0, 1.0, np.nan, -np.inf, -np.inf]]), (2,), (2,), (0,), (1,), False
    )
    np.testing.assert_array_equal(values, [[3.0, np.nan, -np.inf]])
    alone = kernels.max_pool(
        np, np.array([[3.0, 3.0, 1.0, np.nan, -np.inf, -np.inf]]), (2,), (2,), (0,), (1,), False
    )
    np.testing.assert_array_equal(alone, values)
    np.testing.assert_array_equal(indices, [[0, 3, 4]])


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "ceil_mode"), SETTINGS)
def test_means(kernel, stride, padding, dilation, ceil_mode, count_include_pad):
    sizes = (7, 6)
    input = np.random.default_rng(0).standard_normal((2, *sizes))
    each = [(n,) * 2 for n in (kernel, stride, padding)]
    result = kernels.avg_pool(np, input, *each, ceil_mode, count_include_pad, None)
    for n in range(2):
        for place, inside in windows(sizes, kernel, stride, padding, 1, result.shape[1:]):
            reach = [
                min(stride * x - padding + kernel, size + padding) - (stride * x - padding)
                for x, size in zip(place, sizes, strict=True)
            ]
            count = np.prod(reach) if count_include_pad else len(inside)
            expected = sum(input[(n, *at)] for at in inside) / count
            np.testing.assert_allclose(result[(n, *place)], expected, atol=1e-12)
    grad = np.random.default_rng(1).standard_normal(result.shape)
    back = kernels.avg_pool_backward(np, grad, sizes, *each, count_include_pad, None)
    np.testing.assert_allclose((back * input).sum(), (grad * result).sum(), rtol=1e-10)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_adaptive_regions(count):
    input = np.random.default_rng(0).standard_normal((2, 7))
    means = kernels.adaptive_avg_pool(np, input, (count,))
    maxima, indices = kernels.adaptive_max_pool(np, input, (count,))
    for i in range(count):
        start, end = i * 7 // count, int(np.ceil((i + 1) * 7 / count))
        np.testing.assert_allclose(means[:, i], input[:, start:end].mean(1))
        np.testing.assert_array_equal(maxima[:, i], input[:, start:end].max(1))
        np.testing.assert_array_equal(indices[:, i], start + input[:, start:end].argmax(1))
    grad = np.random.default_rng(1).standard_normal(means.shape)
    back = kernels.adaptive_avg_pool_backward(np, grad, (7,))
    np.testing.assert_allclose((back * input).sum(), (grad * means).sum(), rtol=1e-10)


def test_adaptive_maxima_of_no_images():
    values, indices = kernels.adaptive_max_pool(np, np.zeros((0, 3, 4, 5)), (2, 3))
    assert values.shape == indices.shape == (0, 3, 2, 3)
