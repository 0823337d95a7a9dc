"""Unpooling: where maxima go."""

from __future__ import annotations

import lamella_core as torch
from lamella_nn import functional as F


def test_unpooling_puts_maxima_back():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    result, indices = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(result, indices, 2)
    assert back[0, 0, 1].tolist() == [0.0, 5.0, 0.0, 7.0]
