"""Pooling by maximum, mean and norm, against NumPy.

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
        (
            nn.MaxPool3d(2),
            "MaxPool3d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        ),
        (
            nn.MaxPool3d((1, 2, 2), 1, (0, 1, 1), 1, True, True),
            "MaxPool3d(kernel_size=(1, 2, 2), stride=1, padding=(0, 1, 1), dilation=1, "
            "ceil_mode=True)",
        ),
        (nn.AvgPool3d(2), "AvgPool3d(kernel_size=2, stride=2, padding=0)"),
        (
            nn.AvgPool3d((2, 1, 1), 1, (1, 0, 0), True, False, 3),
            "AvgPool3d(kernel_size=(2, 1, 1), stride=1, padding=(1, 0, 0))",
        ),
        (nn.LPPool1d(2, 3), "LPPool1d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"),
        (
            nn.LPPool1d(2.5, 3, 2, True),
            "LPPool1d(norm_type=2.5, kernel_size=3, stride=2, ceil_mode=True)",
        ),
        (
            nn.LPPool2d(2, (3, 2)),
            "LPPool2d(norm_type=2, kernel_size=(3, 2), stride=None, ceil_mode=False)",
        ),
        (nn.LPPool3d(1, 2, 3), "LPPool3d(norm_type=1, kernel_size=2, stride=3, ceil_mode=False)"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


VOLUME = np.random.default_rng(0).standard_normal((2, 3, 4, 4, 6))
# Blocks of two in each of the last three dimensions, at the end.
BLOCKS = VOLUME.reshape(2, 3, 2, 2, 2, 2, 3, 2).transpose(0, 1, 2, 4, 6, 3, 5, 7)


def test_volumes():
    close(nn.MaxPool3d(2)(lc.from_numpy(VOLUME)), BLOCKS.max((-3, -2, -1)))
    close(nn.AvgPool3d(2)(lc.from_numpy(VOLUME)), BLOCKS.mean((-3, -2, -1)))
    halves = nn.AvgPool3d(2, divisor_override=2)(lc.from_numpy(VOLUME))
    close(halves, BLOCKS.sum((-3, -2, -1)) / 2)


def test_indices_of_a_volume():
    values, indices = nn.MaxPool3d(2, return_indices=True)(lc.from_numpy(VOLUME))
    flat = VOLUME.reshape(2, 3, -1)
    found = np.take_along_axis(flat, indices.numpy().reshape(2, 3, -1), -1)
    np.testing.assert_array_equal(found.reshape(values.shape), values.numpy())


def test_norms():
    expected = (np.abs(BLOCKS) ** 3).sum((-3, -2, -1)) ** (1 / 3)
    close(nn.LPPool3d(3, 2)(lc.from_numpy(np.abs(VOLUME))), expected)
    close(nn.LPPool1d(2, 2)(lc.tensor([[3.0, 4.0, 5.0, 12.0]])), [[5.0, 13.0]])
    close(nn.LPPool2d(1, (1, 3))(lc.tensor([[[3.0, 4.0, 5.0]]])), [[[12.0]]])
