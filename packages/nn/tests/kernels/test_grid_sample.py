"""Images read at places, against a loop in NumPy, line by line as the definition says it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lamella_nn.kernels import grid_sample as kernels


def element(image, index, padding_mode):
    """The element at an index, which may lie outside."""
    inside = all(0 <= i < n for i, n in zip(index, image.shape, strict=True))
    if not inside and padding_mode == "zeros":
        return 0.0
    return image[tuple(np.clip(index, 0, np.array(image.shape) - 1))]


def linear(image, numbers, padding_mode, align_corners):
    sizes = np.array(image.shape)
    place = numbers[::-1]
    place = (place + 1) / 2 * (sizes - 1) if align_corners else ((place + 1) * sizes - 1) / 2
    if padding_mode == "border":
        place = np.clip(place, 0, sizes - 1)
    base = np.floor(place).astype(int)
    total = 0.0
    for corner in product((0, 1), repeat=len(sizes)):
        share = np.prod(np.where(corner, place - base, 1 - (place - base)))
        total += share * element(image, base + corner, padding_mode)
    return total


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("sizes", [(3, 4), (2, 3, 4), (1, 5)])
def test_linear(sizes, padding_mode, align_corners):
    random = np.random.default_rng(0)
    images = random.standard_normal((2, 2, *sizes))
    grid = random.uniform(-1.6, 1.6, (2, *[3] * len(sizes), len(sizes)))
    found = kernels.grid_sampler(np, images, grid, "bilinear", padding_mode, align_corners)
    for n, c, *at in np.ndindex(found.shape):
        expected = linear(images[n, c], grid[(n, *at)], padding_mode, align_corners)
        np.testing.assert_allclose(found[(n, c, *at)], expected, atol=1e-12)


# Row y, column x of a 3 x 4 image holds 4 y + x; the numbers are PyTorch 2.13's.
PLACES = np.array([[[[-1.3, 0.2], [0.5, -0.9], [0.95, 1.6]]]])
READ = {
    ("nearest", "zeros"): [0.0, 2.0, 0.0],
    ("nearest", "border"): [4.0, 2.0, 11.0],
    ("nearest", "reflection"): [4.0, 2.0, 11.0],
    ("bicubic", "zeros"): [-0.36055, 1.43259, -0.73872],
    ("bicubic", "border"): [5.55699, 2.15013, 11.108],
    ("bicubic", "reflection"): [5.63224, 1.91125, 9.916],
}


@pytest.mark.parametrize(("mode", "padding_mode"), READ)
def test_recorded_values(mode, padding_mode):
    image = np.arange(12.0).reshape(1, 1, 3, 4)
    found = kernels.grid_sampler(np, image, PLACES, mode, padding_mode, False)
    np.testing.assert_allclose(found.reshape(-1), READ[mode, padding_mode], atol=1e-5)


def test_reflection_is_a_triangle_wave():
    places = np.arange(-9.0, 9.0)
    centres, slope = kernels._reflected(np, places, 4, True)
    np.testing.assert_array_equal(centres[9:17], [0, 1, 2, 3, 2, 1, 0, 1])
    edges, _ = kernels._reflected(np, places, 4, False)
    np.testing.assert_array_equal(edges[9:18], [0, 1, 2, 3, 3, 2, 1, 0, 0])
    np.testing.assert_array_equal(slope[9:16], centres[10:17] - centres[9:16])


def test_many_places_are_read_as_few_are():
    random = np.random.default_rng(0)
    images = random.standard_normal((2, 3, 9, 8))
    grid = random.uniform(-1.2, 1.2, (2, 300, 200, 2))
    grad = random.standard_normal((2, 3, 300, 200))
    rest = "bilinear", "zeros", False
    found = kernels.grid_sampler(np, images, grid, *rest)
    backs = kernels.grid_sampler_backward(np, grad, images, grid, *rest, True, True)
    total = np.zeros(images.shape)
    for row in range(0, 300, 50):
        rows = slice(row, row + 50)
        np.testing.assert_array_equal(
            found[:, :, rows], kernels.grid_sampler(np, images, grid[:, rows], *rest)
        )
        few = grad[:, :, rows], images, grid[:, rows], *rest
        to_images, to_grid = kernels.grid_sampler_backward(np, *few, True, True)
        total += to_images
        np.testing.assert_allclose(backs[1][:, rows], to_grid, rtol=1e-12)
    np.testing.assert_allclose(backs[0], total, rtol=1e-9)
