"""Pooling of many images, some at a time, against each image by itself."""

from typing import Any

import numpy as np
import pytest

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
