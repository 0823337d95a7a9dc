"""Transposed convolutions: the gradient of a convolution as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.conv import _ConvNd
from lamella_nn.modules.spatial import per_dimension


class _ConvTransposeNd(_ConvNd):
    """What transposed convolutions over any number of dimensions share."""

    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, '
                f"got {padding_mode!r}"
            )
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            per_dimension(padding, self.dimensions),
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.output_padding = per_dimension(output_padding, self.dimensions)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """What is added at the end of each dimension, so that the output gets its size.

        A strided convolution gives the same length for as many input lengths as its stride, so
        that its transpose may have any of them.
        """
        if output_size is None:
            return self.output_padding
        dimensions = self.dimensions
        size = tuple(output_size)
        if len(size) == input.dim() and len(size) > dimensions:
            size = size[-dimensions:]
        if len(size) != dimensions:
            raise ValueError(
                f"{type(self).__name__}: for {input.dim()}D input, output_size must have "
                f"{dimensions} or {input.dim()} elements (got {len(size)})"
            )
        lengths = tuple(input.shape[-dimensions:])
        assert not isinstance(self.padding, str)
        shortest = tuple(
            (length - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for length, stride, padding, dilation, kernel in zip(
                lengths, self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        )
        longest = tuple(
            least + stride - 1 for least, stride in zip(shortest, self.stride, strict=True)
        )
        if any(not a <= n <= b for a, n, b in zip(shortest, size, longest, strict=True)):
            raise ValueError(
                f"requested an output size of {size}, but valid sizes range from "
                f"{shortest} to {longest} (for an input of {lengths})"
            )
        return tuple(n - least for n, least in zip(size, shortest, strict=True))


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of ``Conv1d``, which maps signals to larger ones.

    Each element of the input adds its multiple of the kernel to the output, ``stride`` apart:
    L_out = (L - 1) · stride - 2 · padding + dilation · (kernel_size - 1) + output_padding + 1.

    Weight and bias start uniform between -1/√f and 1/√f, with f = out_channels / groups · kernel
    size. From Zeiler et al. (2010), "Deconvolutional networks".

    Args:
        in_channels, out_channels: of input and output.
        kernel_size: length of the kernel.
        stride: distance between the kernel's places in the output.
        padding: cut off from both sides of the output.
        output_padding: added to the end of the output, less than stride or dilation.
        groups: in how many groups the channels are split; each sees its own inputs only.
        bias: whether there is a bias.
        dilation: distance between kernel elements.
        padding_mode: ``"zeros"``, the only one.
        device, dtype: those of the parameters.

    Attributes:
        weight: of shape (in_channels, out_channels / groups, \\*kernel_size).
        bias: of shape (out_channels,), or None.

    Raises:
        ValueError: channels are no multiple of groups, the padding mode is another, or a
            requested output size cannot be had.
    """

    dimensions = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, L) or (C, L) to (N, C_out, L_out) or (C_out, L_out).

        ``output_size`` is the output's size over space, which then decides output_padding.
        """
        return F.conv_transpose1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,  # type: ignore[arg-type]
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of ``Conv2d``, which maps images to larger ones.

    Method, arguments, attributes and errors are those of ``ConvTranspose1d``, in each dimension:
    ``kernel_size``, ``stride``, ``padding``, ``output_padding`` and ``dilation`` are one number or
    two.
    """

    dimensions = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, H, W) or (C, H, W) to the same with C_out, H_out and W_out.

        ``output_size`` is the output's size over space, which then decides output_padding.
        """
        return F.conv_transpose2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,  # type: ignore[arg-type]
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of ``Conv3d``, which maps volumes to larger ones.

    Method, arguments, attributes and errors are those of ``ConvTranspose1d``, in each dimension:
    ``kernel_size``, ``stride``, ``padding``, ``output_padding`` and ``dilation`` are one number or
    three.
    """

    dimensions = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with C_out, D_out, H_out, W_out.

        ``output_size`` is the output's size over space, which then decides output_padding.
        """
        return F.conv_transpose3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,  # type: ignore[arg-type]
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )
