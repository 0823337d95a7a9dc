"""Resampling that averages over what shrinking merges."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F
from lamella_nn.functional.antialias import antialias_weights


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(("size", "count"), [(10, 4), (5, 9), (6, 6), (7, 1)])
def test_weights(mode, size, count):
    weights = antialias_weights(size, count, size / count, mode).numpy()
    np.testing.assert_allclose(weights.sum(1), np.ones(count))
    # What is symmetric about the middle stays so.
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


def test_a_half_of_the_size_by_a_triangle():
    # The triangle over a half of the size reaches over four elements: 1/8, 3/8, 3/8, 1/8.
    weights = antialias_weights(8, 4, 2.0, "bilinear").numpy()
    np.testing.assert_allclose(weights[1], [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0, 0, 0])


# PyTorch 2.13: interpolate(arange(36).view(1, 1, 6, 6) ** 2 / 10, 2, mode=mode, antialias=True).
RECORDED = {
    "bilinear": [11.125, 16.125, 59.875, 72.375],
    "bicubic": [8.4497229917, 13.5344875346, 61.4292243767, 75.5023545706],
    "lanczos": [6.5659937214, 11.669130135, 61.9856359108, 77.0091018075],
}


@pytest.mark.parametrize("mode", RECORDED)
def test_recorded_values(mode):
    image = torch.arange(36.0, dtype=torch.float64).reshape(1, 1, 6, 6) ** 2 / 10
    found = F.interpolate(image, 2, mode=mode, antialias=True)
    np.testing.assert_allclose(found.flatten().tolist(), RECORDED[mode], rtol=1e-9)


def test_the_size_that_it_has_and_gradients():
    image = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    same = F.interpolate(image, (4, 5), mode="bicubic", antialias=True)
    np.testing.assert_allclose(same.detach().numpy(), image.detach().numpy())
    assert autograd.gradcheck(
        lambda x: F.interpolate(x, scale_factor=(0.5, 0.7), mode="bilinear", antialias=True),
        (image,),
    )


def test_errors():
    image = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="restricted to bilinear.*'nearest' and 4 dimensions"):
        F.interpolate(image, 2, antialias=True)
    with pytest.raises(ValueError, match="requires a 4-D tensor.*3 dimensions"):
        F.interpolate(image[0], 2, mode="bilinear", antialias=True)
    with pytest.raises(ValueError, match="requires antialias=True"):
        F.interpolate(image, 2, mode="lanczos")
    with pytest.raises(ValueError, match="does not support align_corners=True"):
        F.interpolate(image, 2, mode="lanczos", antialias=True, align_corners=True)
    with pytest.raises(NotImplementedError, match="Long"):
        F.interpolate(image.long(), 2, mode="bilinear", antialias=True)
