"""The inverse of max pooling, as far as it has one."""

from __future__ import annotations

from collections.abc import Sequence

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module
from lamella_nn.modules.spatial import per_dimension

Size = int | tuple[int, ...]


class _MaxUnpoolNd(Module):
    dimensions: int

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        self.kernel_size = per_dimension(kernel_size, self.dimensions)
        self.stride = per_dimension(kernel_size if stride is None else stride, self.dimensions)
        self.padding = per_dimension(padding, self.dimensions)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """The largest values of ``MaxPool1d`` back at their places, zero elsewhere.

    Args:
        kernel_size: length of the window.
        stride: distance between windows; ``kernel_size`` where left out.
        padding: what the pooling added to both sides.
    """

    dimensions = 1

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, L) or (C, L) to (N, C, L_out) or (C, L_out).

        ``indices`` are the pooling's; ``output_size`` decides among the sizes that it may have
        had, (input - 1) · stride - 2 · padding + kernel_size where left out.
        """
        return F.max_unpool1d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpoolNd):
    """The largest values of ``MaxPool2d`` back at their places, zero elsewhere.

    Arguments are those of ``MaxUnpool1d``, one number or two.
    """

    dimensions = 2

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, H, W) or (C, H, W) to (N, C, H_out, W_out) or (C, H_out, W_out).

        ``indices`` are the pooling's; ``output_size`` decides among the sizes that it may have
        had, (input - 1) · stride - 2 · padding + kernel_size where left out.
        """
        return F.max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool3d(_MaxUnpoolNd):
    """The largest values of ``MaxPool3d`` back at their places, zero elsewhere.

    Arguments are those of ``MaxUnpool1d``, one number or three.
    """

    dimensions = 3

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out.

        ``indices`` are the pooling's; ``output_size`` decides among the sizes that it may have
        had, (input - 1) · stride - 2 · padding + kernel_size where left out.
        """
        return F.max_unpool3d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )
