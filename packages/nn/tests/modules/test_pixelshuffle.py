"""Shuffles of pixels and channels, against reshapes by NumPy.

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
        (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"),
        (nn.PixelUnshuffle(2), "PixelUnshuffle(downscale_factor=2)"),
        (nn.ChannelShuffle(2), "ChannelShuffle(groups=2)"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_pixels_and_back():
    values = np.random.default_rng(0).standard_normal((2, 8, 3, 5))
    expected = values.reshape(2, 2, 2, 2, 3, 5).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 6, 10)
    shuffled = nn.PixelShuffle(2)(lc.from_numpy(values))
    close(shuffled, expected)
    close(nn.PixelUnshuffle(2)(shuffled), values)


def test_channels():
    values = np.arange(6.0).reshape(1, 6, 1)
    assert nn.ChannelShuffle(2)(lc.from_numpy(values)).flatten().tolist() == [0, 3, 1, 4, 2, 5]
