"""Adaptive pooling, against means and maxima by NumPy.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.AdaptiveMaxPool1d(3), "AdaptiveMaxPool1d(output_size=3)"),
        (nn.AdaptiveMaxPool2d((None, 3), True), "AdaptiveMaxPool2d(output_size=(None, 3))"),
        (nn.AdaptiveMaxPool3d(3), "AdaptiveMaxPool3d(output_size=3)"),
        (nn.AdaptiveAvgPool1d(3), "AdaptiveAvgPool1d(output_size=3)"),
        (nn.AdaptiveAvgPool3d((1, None, 2)), "AdaptiveAvgPool3d(output_size=(1, None, 2))"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


SIGNAL = np.random.default_rng(0).standard_normal((2, 3, 7))


def windows(length, count):
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def test_one_dimension():
    expected = np.stack([SIGNAL[..., a:b].mean(-1) for a, b in windows(7, 3)], -1)
    close(nn.AdaptiveAvgPool1d(3)(lc.from_numpy(SIGNAL)), expected)
    expected = np.stack([SIGNAL[..., a:b].max(-1) for a, b in windows(7, 3)], -1)
    close(nn.AdaptiveMaxPool1d(3)(lc.from_numpy(SIGNAL)), expected)


def test_indices_of_the_maxima():
    values, indices = nn.AdaptiveMaxPool1d(2, return_indices=True)(lc.from_numpy(SIGNAL))
    np.testing.assert_array_equal(np.take_along_axis(SIGNAL, indices.numpy(), -1), values.numpy())


def test_none_keeps_the_length():
    image = np.random.default_rng(1).standard_normal((2, 4, 5))
    expected = np.stack([image[:, :, a:b].max(-1) for a, b in windows(5, 2)], -1)
    close(nn.AdaptiveMaxPool2d((None, 2))(lc.from_numpy(image)), expected)


def test_one_window_over_a_volume():
    volume = np.random.default_rng(2).standard_normal((2, 3, 4, 5))
    close(nn.AdaptiveAvgPool3d(1)(lc.from_numpy(volume)).squeeze(), volume.mean((1, 2, 3)))
    close(nn.AdaptiveMaxPool3d(1)(lc.from_numpy(volume)).squeeze(), volume.max((1, 2, 3)))
