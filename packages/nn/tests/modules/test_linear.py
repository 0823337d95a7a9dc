"""The bilinear map, against numpy.einsum.

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
            nn.Bilinear(2, 3, 4),
            "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)",
        ),
        (
            nn.Bilinear(2, 3, 4, False),
            "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=False)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_bilinear():
    layer = nn.Bilinear(2, 3, 4).double()
    random = np.random.default_rng(0)
    left, right = random.standard_normal((5, 2)), random.standard_normal((5, 3))
    weight, bias = (parameter.detach().numpy() for parameter in layer.parameters())
    expected = np.einsum("ni,oij,nj->no", left, weight, right) + bias
    close(layer(lc.from_numpy(left), lc.from_numpy(right)), expected)
    assert np.abs(weight).max() <= 2**-0.5 and np.abs(bias).max() <= 2**-0.5


def test_no_features():
    with pytest.raises(ValueError, match="in1_features must be > 0"):
        nn.Bilinear(0, 3, 4)
