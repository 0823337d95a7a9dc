"""Normalisation by the root mean square and by neighbouring channels, against NumPy.

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
        (nn.LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)"),
        (nn.LocalResponseNorm(3, 1e-3, 0.5, 2), "LocalResponseNorm(3, alpha=0.001, beta=0.5, k=2)"),
        (nn.RMSNorm(3), "RMSNorm((3,), eps=None, elementwise_affine=True)"),
        (nn.RMSNorm((2, 3), 1e-5, False), "RMSNorm((2, 3), eps=1e-05, elementwise_affine=False)"),
        (nn.RMSNorm([2, 3]), "RMSNorm((2, 3), eps=None, elementwise_affine=True)"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_root_mean_square():
    values = np.random.default_rng(0).standard_normal((4, 2, 3))
    expected = values / np.sqrt((values**2).mean((1, 2), keepdims=True) + 1e-3)
    close(nn.RMSNorm((2, 3), eps=1e-3).double()(lc.from_numpy(values)), expected)
    layer = nn.RMSNorm(3).double()
    layer.load_state_dict({"weight": lc.tensor([1.0, 2.0, 3.0], dtype=lc.float64)})
    eps = np.finfo(np.float64).eps
    expected = values / np.sqrt((values**2).mean(-1, keepdims=True) + eps) * [1.0, 2.0, 3.0]
    close(layer(lc.from_numpy(values)), expected)


def test_neighbouring_channels():
    values = np.random.default_rng(1).standard_normal((2, 4, 5))
    squares = np.pad(values**2, [(0, 0), (1, 1), (0, 0)])
    mean = (squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]) / 3
    layer = nn.LocalResponseNorm(3, alpha=0.5, beta=0.6, k=2.0)
    close(layer(lc.from_numpy(values)), values / (2 + 0.5 * mean) ** 0.6)


def test_older_local_response_norm_sums_the_first_channel_always():
    x = np.random.default_rng(0).standard_normal((2, 5, 2, 2))
    found = nn.CrossMapLRN2d(3, 0.6, 0.5, 2)(lc.tensor(x)).numpy()
    squares = x**2
    for channel in range(5):
        summed = squares[:, max(channel - 1, 0) : channel + 2].sum(1)
        if channel > 1:
            summed = summed + squares[:, 0]
        np.testing.assert_allclose(found[:, channel], x[:, channel] / np.sqrt(2 + 0.2 * summed))
    with pytest.raises(ValueError, match="4D, got 3D"):
        nn.CrossMapLRN2d(3)(lc.zeros(5, 2, 2))
