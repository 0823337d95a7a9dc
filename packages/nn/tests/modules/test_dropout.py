"""Dropout of channels, and for SELU.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Dropout1d(), "Dropout1d(p=0.5, inplace=False)"),
        (nn.Dropout2d(0.2, True), "Dropout2d(p=0.2, inplace=True)"),
        (nn.Dropout3d(0.1), "Dropout3d(p=0.1, inplace=False)"),
        (nn.AlphaDropout(), "AlphaDropout(p=0.5, inplace=False)"),
        (nn.AlphaDropout(0.2, True), "AlphaDropout(p=0.2, inplace=True)"),
        (nn.FeatureAlphaDropout(0.3), "FeatureAlphaDropout(p=0.3, inplace=False)"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_whole_channels(dimensions):
    lc.manual_seed(0)
    layer = getattr(nn, f"Dropout{dimensions}d")(0.25)
    x = lc.ones(50, 40, *(2, 3, 2)[:dimensions])
    kept = layer(x).numpy().reshape(2000, -1)
    assert np.all(kept == kept[:, :1])
    assert set(np.unique(kept)) == {np.float32(0), np.float32(4 / 3)}
    assert 0.2 < (kept[:, 0] == 0).mean() < 0.3
    assert layer.eval()(x).tolist() == x.tolist()


def test_alpha_dropout_keeps_mean_and_variance():
    lc.manual_seed(0)
    values = nn.AlphaDropout(0.3)(lc.randn(100000)).numpy()
    assert abs(values.mean()) < 0.02 and abs(values.var() - 1) < 0.02


def test_feature_alpha_dropout_drops_whole_channels():
    lc.manual_seed(0)
    values = nn.FeatureAlphaDropout(0.5)(lc.zeros(20, 30, 4)).numpy()
    assert np.all(values == values[..., :1]) and len(np.unique(values)) == 2


@pytest.mark.parametrize("name", ["Dropout1d", "AlphaDropout", "FeatureAlphaDropout"])
def test_probabilities(name):
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        getattr(nn, name)(2)
