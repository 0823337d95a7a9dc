"""Pooling of many images, some at a time, against each image by itself."""

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_nn import functional
from lamella_nn.kernels import pooling as whole
from lamella_nn.kernels.cpu import pooling as kernels


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, 0), (3, 1, 1)])
def test_parts(window: int, stride: int, padding: int, dtype: Any) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((5, 3, 350, 350)).astype(dtype)
    two = (window,) * 2, (stride,) * 2, (padding,) * 2
    values, places = kernels.max_pool_with_indices(x, *two, (1, 1), False)
    means = kernels.avg_pool(x, *two, False, True, None)
    assert values.dtype == means.dtype == dtype
    grad = random.standard_normal(values.shape).astype(dtype)
    back = kernels.put_flat(grad, places, (350, 350), window > stride)
    spread = kernels.avg_pool_backward(grad, (350, 350), *two, True, None)
    assert back.dtype == spread.dtype == dtype
    rough = 2e-3 if dtype is np.float16 else 1e-5
    for n, channel in ((0, 0), (2, 1), (4, 2)):
        one = x[n : n + 1, channel].astype(np.float64)
        padded = np.pad(one[0], padding, constant_values=-np.inf)
        views = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
        highest = views[::stride, ::stride].max((2, 3))
        np.testing.assert_array_equal(values[n, channel], highest)
        np.testing.assert_array_equal(one[0].reshape(-1)[places[n, channel]], highest)
        zeros = np.lib.stride_tricks.sliding_window_view(np.pad(one[0], padding), (window, window))
        np.testing.assert_allclose(
            means[n, channel], zeros[::stride, ::stride].mean((2, 3)), rtol=rough, atol=rough
        )
        above = grad[n, channel].astype(np.float64)
        total = np.zeros(350 * 350)
        np.add.at(total, places[n, channel].reshape(-1), above.reshape(-1))
        np.testing.assert_allclose(back[n, channel].reshape(-1), total, rtol=rough, atol=8 * rough)
        shared = whole.avg_pool_backward(np, above[None], (350, 350), *two, True, None)[0]
        np.testing.assert_allclose(spread[n, channel], shared, rtol=rough, atol=rough)


LAYOUTS = [
    pytest.param((3, 8, 300, 260), False, id="images"),
    pytest.param((3, 8, 300, 260), True, id="channels last"),
    pytest.param((1, 1, 1400, 1300), False, id="one large image"),
]


def _input(shape: tuple[int, ...], channels_last: bool, dtype: Any) -> Any:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x[0, 0, 7:12, 9] = np.nan
    x[-1, -1, :40, :40] = -np.inf
    if channels_last:
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("shape", "channels_last"), LAYOUTS)
@pytest.mark.parametrize(
    ("window", "stride", "padding", "ceil"), [(2, 2, 0, True), (3, 2, 1, True)]
)
def test_rows_of_windows(
    shape: Any, channels_last: bool, dtype: Any, window: int, stride: int, padding: int, ceil: bool
) -> None:
    x = _input(shape, channels_last, dtype)
    exact = x.astype(np.float64)
    two = (window,) * 2, (stride,) * 2, (padding,) * 2
    values, places = kernels.max_pool_with_indices(x, *two, (1, 1), ceil)
    expected, at = whole.max_pool_with_indices(np, exact, *two, (1, 1), ceil)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(places, at)
    np.testing.assert_array_equal(kernels.max_pool(x, *two, (1, 1), ceil), expected)
    rough = {"rtol": 2e-3, "atol": 2e-3} if dtype is np.float16 else {"rtol": 1e-5, "atol": 1e-5}
    x[~np.isfinite(x)] = 1
    exact = x.astype(np.float64)
    means = kernels.avg_pool(x, *two, ceil, False, None)
    np.testing.assert_allclose(means, whole.avg_pool(np, exact, *two, ceil, False, None), **rough)
    assert values.dtype == means.dtype == dtype
    if channels_last:
        assert np.moveaxis(means, 1, -1).flags.c_contiguous
    grad = np.ones_like(means)
    spread = kernels.avg_pool_backward(grad, shape[2:], *two, False, None)
    found = whole.avg_pool_backward(np, grad.astype(np.float64), shape[2:], *two, False, None)
    np.testing.assert_allclose(spread, found, **rough)
    back = kernels.put_flat(values, at, shape[2:], stride < window)
    found = whole.put_flat(np, expected, at, shape[2:], stride < window)
    np.testing.assert_allclose(back, found, **rough)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("shape", "channels_last"), LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (100, 65)])
def test_regions(shape: Any, channels_last: bool, dtype: Any, size: Any) -> None:
    x = _input(shape, channels_last, dtype)
    if size[0] < 100:
        values, places = kernels.adaptive_max_pool(x, size)
        expected, at = whole.adaptive_max_pool(np, x.astype(np.float64), size)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(places, at)
        assert values.dtype == dtype
    x[~np.isfinite(x)] = 1
    rough = {"rtol": 2e-3, "atol": 2e-3} if dtype is np.float16 else {"rtol": 1e-5, "atol": 1e-5}
    means = kernels.adaptive_avg_pool(x, size)
    np.testing.assert_allclose(
        means, whole.adaptive_avg_pool(np, x.astype(np.float64), size), **rough
    )
    back = kernels.adaptive_avg_pool_backward(means, shape[2:])
    found = whole.adaptive_avg_pool_backward(np, means.astype(np.float64), shape[2:])
    np.testing.assert_allclose(back, found, **rough)
    assert means.dtype == back.dtype == dtype


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_half_precision_is_widened_in_parts(peak: Any, name: str, dims: int) -> None:
    """500,000 numbers in float32 are 2 MB."""
    shape = (1, 1, 20, 100, 250) if dims == 3 else (2, 1, 500, 500)
    x = (np.arange(500_000) % 7).reshape(shape).astype(np.float16)
    rest = ((1,) * dims, False) if name == "max_pool" else (False, True, None)
    given = x, (2,) * dims, (2,) * dims, (0,) * dims, *rest
    result, most = _peak(peak, getattr(kernels, name), *given)
    assert most < result.nbytes + 1e6
    exact = x.astype(np.float64)
    expected = getattr(whole, name)(np, exact, *given[1:])
    np.testing.assert_allclose(result, expected, rtol=1e-3)
    sizes = shape[-dims:]
    if name == "avg_pool":
        back, above = "avg_pool_backward", (*given[1:4], True, None)
        arrays: Any = (expected,)
    else:
        back, above = "put_flat", (False,)
        arrays = expected, whole.max_pool_with_indices(np, exact, *given[1:])[1]
    halves = arrays[0].astype(np.float16), *arrays[1:]
    spread, most = _peak(peak, getattr(kernels, back), *halves, sizes, *above)
    assert most < spread.nbytes + 1.2e6
    right = getattr(whole, back)(np, *arrays, sizes, *above)
    np.testing.assert_allclose(spread, right, rtol=2e-3)


def test_maxima_of_many_regions_of_channels_last_images(peak: Any) -> None:
    """They are made where they stay, beside their places."""
    x = core.arange(512_000.0).view(4, 8, 100, 160).to(memory_format=core.channels_last)
    (values, places), most = _peak(peak, functional.adaptive_max_pool2d, x, (50, 40), True)
    assert most < values.nbytes + places.nbytes + 1e5
    assert values.is_contiguous(memory_format=core.channels_last)
    assert places.is_contiguous(memory_format=core.channels_last)
    np.testing.assert_array_equal(values.numpy(), x.numpy()[:, :, 1::2, 3::4])
    volume = core.arange(64.0).view(1, 2, 2, 4, 4).to(memory_format=core.channels_last_3d)
    assert functional.adaptive_max_pool3d(volume, 2).is_contiguous()


def _peak(peak: Any, call: Any, *given: Any) -> Any:
    """The result, and the most memory that was in use at once."""
    call(*given)
    with peak:
        result = call(*given)
    return result, peak.most


def test_random_windows() -> None:
    random = np.random.default_rng(0)
    x, samples = random.standard_normal((4, 6, 300, 260)), random.random((4, 6, 2))
    values, places = kernels.fractional_max_pool(x, samples, (2, 3), (140, 120))
    for n, channel in ((0, 0), (3, 5)):
        one = x[n : n + 1, channel : channel + 1], samples[n : n + 1, channel : channel + 1]
        expected, at = kernels.fractional_max_pool(*one, (2, 3), (140, 120))
        np.testing.assert_array_equal(values[n, channel], expected[0, 0])
        np.testing.assert_array_equal(places[n, channel], at[0, 0])


@pytest.mark.parametrize(
    ("shape", "size"),
    [((2, 3, 400, 300), (170, 301)), ((40, 6, 91, 60), (300, 7)), ((1, 1, 900, 900), (450, 70))],
)
@pytest.mark.parametrize("last", [False, True])
def test_adaptive_means_of_many_regions(shape: Any, size: Any, last: bool) -> None:
    """Means are products with the shares of each region; gradients with their transposes."""
    shares = []
    for n, m in zip(shape[2:], size, strict=True):
        matrix = np.zeros((m, n))
        for i in range(m):
            start, end = i * n // m, -((i + 1) * n // -m)
            matrix[i, start:end] = 1 / (end - start)
        shares.append(matrix)
    x = np.random.default_rng(0).standard_normal(shape)
    if last:
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    means = kernels.adaptive_avg_pool(x, size)
    np.testing.assert_allclose(means, shares[0] @ x @ shares[1].T, rtol=1e-9, atol=1e-12)
    back = kernels.adaptive_avg_pool_backward(means, shape[2:])
    expected = shares[0].T @ means @ shares[1]
    np.testing.assert_allclose(back, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("inside", [True, False])
def test_parts_of_a_slice_of_a_volume(padding: int, inside: bool) -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 520, 500)).astype(np.float32)
    three, pads = (3, 3, 3), (padding,) * 3
    ways = [(0, 0), (0, 0), *[(padding, padding)] * 3]
    windows = np.lib.stride_tricks.sliding_window_view
    sums = windows(np.pad(x.astype(np.float64), ways), three, (2, 3, 4)).sum((5, 6, 7))
    counts: Any = 27.0
    if not inside:
        counts = windows(np.pad(np.ones_like(x), ways), three, (2, 3, 4)).sum((5, 6, 7))
    settings = three, (1, 1, 1), pads
    means = kernels.avg_pool(x, *settings, False, inside, None)
    np.testing.assert_allclose(means, sums / counts, rtol=1e-5, atol=1e-6)
    highest = windows(np.pad(x, ways, constant_values=-np.inf), three, (2, 3, 4)).max((5, 6, 7))
    np.testing.assert_array_equal(kernels.max_pool(x, *settings, (1, 1, 1), False), highest)
