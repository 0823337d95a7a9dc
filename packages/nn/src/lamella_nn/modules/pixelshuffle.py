"""Elements moved between channels and pixels, and among channels."""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module


class PixelShuffle(Module):
    """(\\*, C r², H, W) to (\\*, C, H r, W r): channels become pixels.

    From Shi et al. (2016), "Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network".

    Args:
        upscale_factor: r.
    """

    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(\\*, C, H r, W r) to (\\*, C r², H, W), the inverse of ``PixelShuffle``.

    Args:
        downscale_factor: r.
    """

    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """(N, C, \\*) with its channels dealt out: the first of each group, then the second, ...

    From Zhang et al. (2018), "ShuffleNet".

    Args:
        groups: number of groups of successive channels.
    """

    groups: int

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
