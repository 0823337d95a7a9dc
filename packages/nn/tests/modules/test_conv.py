"""Convolution over volumes, against the sum of products by NumPy.

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
        (nn.Conv3d(2, 4, 3), "Conv3d(2, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1))"),
        (
            nn.Conv3d(2, 4, (1, 2, 3), 2, (1, 0, 2), 2, 2, False, "circular"),
            "Conv3d(2, 4, kernel_size=(1, 2, 3), stride=(2, 2, 2), padding=(1, 0, 2), "
            "dilation=(2, 2, 2), groups=2, bias=False, padding_mode=circular)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_conv3d():
    values = np.random.default_rng(0).standard_normal((1, 2, 3, 4, 5))
    layer = nn.Conv3d(2, 3, (2, 3, 2), bias=True).double()
    weight, bias = (parameter.detach().numpy() for parameter in layer.parameters())
    windows = np.lib.stride_tricks.sliding_window_view(values[0], (2, 3, 2), axis=(1, 2, 3))
    expected = np.einsum("cdhwijk,ocijk->odhw", windows, weight) + bias[:, None, None, None]
    close(layer(lc.from_numpy(values))[0], expected)


def test_circular_padding_of_a_volume():
    layer = nn.Conv3d(1, 1, 3, padding=1, bias=False, padding_mode="circular").double()
    nn.init.ones_(layer.weight)
    values = np.random.default_rng(1).standard_normal((1, 1, 3, 3, 3))
    close(layer(lc.from_numpy(values)), np.full(values.shape, values.sum()))
