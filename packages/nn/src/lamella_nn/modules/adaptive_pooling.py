"""Pooling into a given number of windows, whatever the size of the input.

Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.
"""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module

OutputSize = int | None | tuple[int | None, ...]


class _AdaptiveAvgPoolNd(Module):
    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The mean of each of a given number of windows that cover a signal.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: length of the output.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out)."""
        return F.adaptive_avg_pool1d(input, self.output_size)  # type: ignore[arg-type]


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The mean of each of a given number of windows that cover an image.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: height and width of the output, or one number for both; None is the
            input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W) to (N, C, H_out, W_out) or (C, H_out, W_out)."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The mean of each of a given number of windows that cover a volume.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: depth, height and width of the output, or one number for all; None is
            the input's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(Module):
    return_indices: bool

    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The largest value of each of a given number of windows that cover a signal.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: length of the output.
        return_indices: whether to return where the values were found, too.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)  # type: ignore[arg-type]


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The largest value of each of a given number of windows that cover an image.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: height and width of the output, or one number for both; None is the
            input's.
        return_indices: whether to return where the values were found, too.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) or (C, H, W) to (N, C, H_out, W_out) or (C, H_out, W_out)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The largest value of each of a given number of windows that cover a volume.

    Window i of n over a length l goes from ⌊i l / n⌋ to ⌈(i + 1) l / n⌉.

    Args:
        output_size: depth, height and width of the output, or one number for all; None is
            the input's.
        return_indices: whether to return where the values were found, too.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
