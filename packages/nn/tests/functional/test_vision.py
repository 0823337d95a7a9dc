"""Rearrangements undo each other; resampling follows its formulas."""

from __future__ import annotations

import pytest

import lamella_core as torch
from lamella_nn import functional as F


def test_pixel_shuffle_and_back():
    x = torch.arange(16.0).reshape(1, 4, 2, 2)
    result = F.pixel_shuffle(x, 2)
    assert result[0, 0, 0].tolist() == [0.0, 4.0, 1.0, 5.0]
    assert F.pixel_unshuffle(result, 2).tolist() == x.tolist()


def test_channel_shuffle():
    x = torch.arange(4.0).reshape(1, 4, 1)
    assert F.channel_shuffle(x, 2).reshape(-1).tolist() == [0.0, 2.0, 1.0, 3.0]


def test_interpolate():
    x = torch.tensor([[[0.0, 1.0]]])
    assert F.interpolate(x, size=4).reshape(-1).tolist() == [0.0, 0.0, 1.0, 1.0]
    linear = F.interpolate(x, size=4, mode="linear").reshape(-1).tolist()
    assert linear == [0.0, 0.25, 0.75, 1.0]
    aligned = F.interpolate(x, size=3, mode="linear", align_corners=True).reshape(-1).tolist()
    assert aligned == [0.0, 0.5, 1.0]


def test_errors():
    with pytest.raises(ValueError, match="only one of size or scale_factor"):
        F.interpolate(torch.zeros(1, 1, 2), 2, 2)
    with pytest.raises(RuntimeError, match="divisible by the square"):
        F.pixel_shuffle(torch.zeros(1, 3, 2, 2), 2)
