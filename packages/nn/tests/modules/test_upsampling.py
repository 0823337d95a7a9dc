"""Resampling, against repeats and interpolation by NumPy.

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
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
        (
            nn.Upsample((3, 4), mode="bilinear", align_corners=True),
            "Upsample(size=(3, 4), mode='bilinear')",
        ),
        (
            nn.Upsample(scale_factor=(2, 1.5), mode="bicubic"),
            "Upsample(scale_factor=(2.0, 1.5), mode='bicubic')",
        ),
        (nn.Upsample(5, recompute_scale_factor=None), "Upsample(size=5, mode='nearest')"),
        (
            nn.UpsamplingNearest2d(scale_factor=2),
            "UpsamplingNearest2d(scale_factor=2.0, mode='nearest')",
        ),
        (nn.UpsamplingNearest2d(4), "UpsamplingNearest2d(size=4, mode='nearest')"),
        (nn.UpsamplingBilinear2d((3, 4)), "UpsamplingBilinear2d(size=(3, 4), mode='bilinear')"),
        (
            nn.UpsamplingBilinear2d(scale_factor=2),
            "UpsamplingBilinear2d(scale_factor=2.0, mode='bilinear')",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


IMAGE = np.random.default_rng(0).standard_normal((2, 3, 4, 5))


def test_nearest():
    expected = IMAGE.repeat(2, 2).repeat(2, 3)
    close(nn.Upsample(scale_factor=2)(lc.from_numpy(IMAGE)), expected)
    close(nn.UpsamplingNearest2d(scale_factor=2)(lc.from_numpy(IMAGE)), expected)
    close(nn.UpsamplingNearest2d((8, 10))(lc.from_numpy(IMAGE)), expected)


def test_linear_with_aligned_corners():
    line = IMAGE[0, :1, 0]
    expected = np.interp(np.linspace(0, 4, 9), np.arange(5), line[0])[None, None]
    close(nn.Upsample(9, mode="linear", align_corners=True)(lc.from_numpy(line[None])), expected)
    image = nn.UpsamplingBilinear2d((4, 9))(lc.from_numpy(IMAGE))
    close(image[0, 0, 0], expected[0, 0])


def test_size_or_scale():
    with pytest.raises(ValueError, match="either size or scale_factor should be defined"):
        nn.Upsample()(lc.ones(1, 1, 3))
    with pytest.raises(ValueError, match="only one of size or scale_factor should be defined"):
        nn.Upsample(3, 2)(lc.ones(1, 1, 3))
