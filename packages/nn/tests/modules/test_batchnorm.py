"""Batch normalisation of volumes, against NumPy.

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
            nn.BatchNorm3d(3),
            "BatchNorm3d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
            "track_running_stats=True)",
        ),
        (
            nn.BatchNorm3d(3, 1e-3, None, False, False),
            "BatchNorm3d(3, eps=0.001, momentum=None, affine=False, bias=False, "
            "track_running_stats=False)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_volumes():
    values = np.random.default_rng(0).standard_normal((2, 3, 2, 4, 5))
    mean = values.mean((0, 2, 3, 4), keepdims=True)
    variance = values.var((0, 2, 3, 4), keepdims=True)
    layer = nn.BatchNorm3d(3).double()
    close(layer(lc.from_numpy(values)), (values - mean) / np.sqrt(variance + 1e-5))
    close(layer.running_mean, 0.1 * mean.reshape(3))
    with pytest.raises(ValueError, match="expected 5D input .got 4D input."):
        layer(lc.ones(2, 3, 4, 5))
