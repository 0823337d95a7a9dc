"""The order in memory of convolutions' weights."""

from __future__ import annotations

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.utils import (
    convert_conv2d_weight_memory_format,
    convert_conv3d_weight_memory_format,
)


def test_weights_of_one_kind_are_laid_out_anew():
    module = nn.Sequential(
        nn.Conv2d(2, 3, 2), nn.Linear(2, 2), nn.ConvTranspose2d(2, 3, 2), nn.Conv3d(2, 2, 2)
    )
    x = torch.randn(1, 2, 4, 4)
    before = module[0](x)
    weight = module[0].weight
    assert convert_conv2d_weight_memory_format(module, torch.channels_last) is module
    assert module[0].weight is weight
    strides = [layer.weight.stride() for layer in module]
    assert strides == [(8, 1, 4, 2), (2, 1), (12, 1, 6, 3), (16, 8, 4, 2, 1)]
    assert torch.allclose(module[0](x), before)
    convert_conv3d_weight_memory_format(module, torch.channels_last_3d)
    assert module[3].weight.stride() == (16, 1, 8, 4, 2)
