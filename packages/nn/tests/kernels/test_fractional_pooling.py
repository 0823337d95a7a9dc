"""Fractional pooling against a loop over the windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lamella_nn.kernels import fractional_pooling as kernels


@pytest.mark.parametrize(
    ("sizes", "kernel", "out"),
    [((7, 9), (2, 3), (4, 5)), ((5, 5), (2, 2), (1, 4)), ((6, 7, 5), (2, 2, 3), (3, 5, 2))],
)
def test_windows(sizes, kernel, out):
    random = np.random.default_rng(0)
    images = random.standard_normal((2, 3, *sizes))
    samples = random.random((2, 3, len(sizes)))
    values, indices = kernels.fractional_max_pool(np, images, samples, kernel, out)
    for n, c in product(range(2), range(3)):
        starts = []
        for size, k, count, u in zip(sizes, kernel, out, samples[n, c], strict=True):
            step = (size - k) / max(count - 1, 1)
            first = [int((i + u) * step) - int(u * step) for i in range(count - 1)]
            starts.append([*first, size - k])
        for place in product(*map(range, out)):
            window = tuple(
                slice(s[i], s[i] + k) for s, i, k in zip(starts, place, kernel, strict=True)
            )
            assert values[(n, c, *place)] == images[(n, c, *window)].max()
    np.testing.assert_array_equal(
        np.take_along_axis(images.reshape(6, -1), indices.reshape(6, -1), 1), values.reshape(6, -1)
    )


def test_the_last_nan_is_chosen():
    image = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]).reshape(1, 1, 3, 3)
    values, indices = kernels.fractional_max_pool(np, image, np.zeros((1, 1, 2)), (2, 2), (2, 2))
    np.testing.assert_array_equal(values[0, 0], [[np.nan, np.nan], [8, 9]])
    np.testing.assert_array_equal(indices[0, 0], [[1, 1], [7, 8]])
