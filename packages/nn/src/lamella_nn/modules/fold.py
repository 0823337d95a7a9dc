"""Windows of an image as columns, and back."""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module

Size = int | tuple[int, ...]


class Unfold(Module):
    """Each window of an image as a column: what a convolution multiplies its kernel with.

    Args:
        kernel_size: height and width of the window, or one number for both.
        dilation: distance between elements of a window.
        padding: zeros added to both sides.
        stride: distance between windows.
    """

    kernel_size: Size
    dilation: Size
    padding: Size
    stride: Size

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W) to (N, C · kernel elements, windows), or without N."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Fold(Module):
    """The sum of windows, given as columns, in the image that they cover.

    It is the transpose of ``Unfold``: elements of several windows are added.

    Args:
        output_size: height and width of the image, or one number for both.
        kernel_size: height and width of the window, or one number for both.
        dilation: distance between elements of a window.
        padding: cut off from both sides.
        stride: distance between windows.
    """

    output_size: Size
    kernel_size: Size
    dilation: Size
    padding: Size
    stride: Size

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """(N, C · kernel elements, windows) to (N, C, H, W), or both without N."""
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
