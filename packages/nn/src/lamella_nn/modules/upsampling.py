"""Resampling to another size."""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module

Size = int | tuple[int, ...]
Scale = float | tuple[float, ...]


class Upsample(Module):
    """Signals, images or volumes resampled to another size.

    Args:
        size: the output's size over space, one number or one for each dimension; or
        scale_factor: by how much it grows.
        mode: ``"nearest"``, ``"linear"`` (signals), ``"bilinear"`` or ``"bicubic"`` (images) or
            ``"trilinear"`` (volumes).
        align_corners: whether the centres of the corner elements stay at their places, rather
            than the edges; not with ``"nearest"``.
        recompute_scale_factor: whether the scale is that of the rounded sizes.

    Shapes:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W); the output alike.
    """

    name: str
    size: Size | None
    scale_factor: Scale | None
    mode: str
    align_corners: bool | None
    recompute_scale_factor: bool | None

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Scale | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The input resampled."""
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            extent = f"scale_factor={self.scale_factor!r}"
        else:
            extent = f"size={self.size!r}"
        return f"{extent}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Images resampled by the nearest pixel; ``size`` or ``scale_factor`` as in ``Upsample``."""

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Images resampled linearly, corners aligned; arguments as in ``UpsamplingNearest2d``."""

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
