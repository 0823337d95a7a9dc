"""Pooling: the largest value, the mean or the norm of each window."""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module
from lamella_nn.modules.spatial import per_dimension

Size = int | tuple[int, ...]


class _MaxPoolNd(Module):
    return_indices: bool
    ceil_mode: bool

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """The largest value of each window of a signal.

    Args:
        kernel_size: length of the window.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: -∞ added to both sides, at most half of ``kernel_size``.
        dilation: distance between elements of a window.
        return_indices: whether to return where the values were found, too.
        ceil_mode: whether a window that starts inside and ends outside counts.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out)."""
        return F.max_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class MaxPool2d(_MaxPoolNd):
    """The largest value of each window of an image.

    Args:
        kernel_size: height and width of the window, or one number for both.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: -∞ added to both sides, at most half of ``kernel_size``.
        dilation: distance between elements of a window.
        return_indices: whether to return where the values were found, too.
        ceil_mode: whether a window that starts inside and ends outside counts.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) or (C, H, W) to (N, C, H_out, W_out) or (C, H_out, W_out)."""
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class MaxPool3d(_MaxPoolNd):
    """The largest value of each window of a volume.

    Args:
        kernel_size: depth, height and width of the window, or one number for all.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: -∞ added to both sides, at most half of ``kernel_size``.
        dilation: distance between elements of a window.
        return_indices: whether to return where the values were found, too.
        ceil_mode: whether a window that starts inside and ends outside counts.
    """

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.max_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class _AvgPoolNd(Module):
    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window of a signal.

    Args:
        kernel_size: length of the window.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: zeros added to both sides.
        ceil_mode: whether a window that starts inside and ends outside counts.
        count_include_pad: whether padded zeros count in the mean.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = per_dimension(kernel_size, 1)
        self.stride = per_dimension(kernel_size if stride is None else stride, 1)
        self.padding = per_dimension(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out)."""
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class _AvgPoolWithDivisor(_AvgPoolNd):
    """Average pooling over several dimensions, whose sum may be divided by any number."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override


class AvgPool2d(_AvgPoolWithDivisor):
    """The mean of each window of an image.

    Args:
        kernel_size: height and width of the window, or one number for both.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: zeros added to both sides.
        ceil_mode: whether a window that starts inside and ends outside counts.
        count_include_pad: whether padded zeros count in the mean.
        divisor_override: divide the sum by this in place of the number of elements.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W) to (N, C, H_out, W_out) or (C, H_out, W_out)."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_AvgPoolWithDivisor):
    """The mean of each window of a volume.

    Args:
        kernel_size: depth, height and width of the window, or one number for all.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: zeros added to both sides.
        ceil_mode: whether a window that starts inside and ends outside counts.
        count_include_pad: whether padded zeros count in the mean.
        divisor_override: divide the sum by this in place of the number of elements.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _LPPoolNd(Module):
    norm_type: float
    ceil_mode: bool

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPoolNd):
    """(Σ xᵖ)^(1/p) over each window of a signal; at p = 1 the sum, as p grows the maximum.

    Args:
        norm_type: p.
        kernel_size: length of the window.
        stride: distance between windows; ``kernel_size`` where left out.
        ceil_mode: whether a window that starts inside and ends outside counts.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out)."""
        return F.lp_pool1d(
            input,
            float(self.norm_type),
            self.kernel_size,  # type: ignore[arg-type]
            self.stride,
            self.ceil_mode,
        )


class LPPool2d(_LPPoolNd):
    """(Σ xᵖ)^(1/p) over each window of an image.

    Arguments are those of ``LPPool1d``; ``kernel_size`` and ``stride`` are one number or two.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W) to the same with H_out and W_out."""
        return F.lp_pool2d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool3d(_LPPoolNd):
    """(Σ xᵖ)^(1/p) over each window of a volume.

    Arguments are those of ``LPPool1d``; ``kernel_size`` and ``stride`` are one number or three.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.lp_pool3d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )
