"""Cubic convolution: the properties that define it, and its derivative."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import cubic

PLACES = np.linspace(0, 1, 21)


def test_weights_sum_to_one_and_keep_elements():
    np.testing.assert_allclose(sum(cubic.weights(PLACES)), np.ones(21))
    np.testing.assert_allclose(cubic.weights(0.0), [0, 1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(cubic.weights(1.0), [0, 0, 1, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("function", "derivative"), [(cubic.weights, cubic.slopes), (cubic.slopes, cubic.curvatures)]
)
def test_derivatives(function, derivative):
    step = 1e-6
    for found, after, before in zip(
        derivative(PLACES), function(PLACES + step), function(PLACES - step), strict=True
    ):
        np.testing.assert_allclose(found, (after - before) / (2 * step), atol=1e-8)
