"""The order in memory of convolutions' weights."""

from __future__ import annotations

from typing import Any, TypeVar

from lamella_nn.modules.conv import Conv2d, Conv3d
from lamella_nn.modules.conv_transpose import ConvTranspose2d, ConvTranspose3d
from lamella_nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

Tree = TypeVar("Tree", bound=Module)


def convert_conv2d_weight_memory_format(module: Tree, memory_format: Any) -> Tree:
    """Lay out the weights of all 2-dimensional convolutions in a module in a memory format.

    Values and names stay. The kernels here take weights in any layout; programs that look at
    strides see those that they asked for.

    Args:
        module: changed in place, and returned.
        memory_format: ``channels_last`` or ``contiguous_format``.
    """
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Tree, memory_format: Any) -> Tree:
    """As ``convert_conv2d_weight_memory_format`` for 3 dimensions and ``channels_last_3d``."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


def _convert(module: Tree, kinds: tuple[type, ...], memory_format: Any) -> Tree:
    for each in module.modules():
        if isinstance(each, kinds):
            weight: Any = each.weight
            weight.data = weight.detach().clone(memory_format=memory_format)
    return module
