"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

from lamella_core import Tensor, empty
from lamella_nn import functional as F
from lamella_nn import init
from lamella_nn.modules.module import Module
from lamella_nn.modules.spatial import padding_for_pad, per_dimension
from lamella_nn.parameter import Parameter

_PADDING_MODES = ("circular", "zeros", "replicate", "reflect")


class _ConvNd(Module):
    """What convolutions over any number of dimensions share."""

    dimensions: int

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    # Whether a class is of the transposed kind; its instances say so themselves, too, in files.
    _transposed = False
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Parameter

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_dimension(kernel_size, self.dimensions)
        self.stride = per_dimension(stride, self.dimensions)
        self.padding = (
            padding if isinstance(padding, str) else per_dimension(padding, self.dimensions)
        )
        self.dilation = per_dimension(dilation, self.dimensions)
        self.transposed = self._transposed
        self.output_padding = (0,) * self.dimensions
        self.groups = groups
        self.padding_mode = padding_mode
        self._check_options()
        self._reversed_padding_repeated_twice = self._padding_of_input()
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def _check_options(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        if self.out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}"
                )
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            modes = ", ".join(repr(mode) for mode in _PADDING_MODES)
            raise ValueError(
                f"padding_mode must be one of {{{modes}}}, but got "
                f"padding_mode='{self.padding_mode}'"
            )

    def _padding_of_input(self) -> tuple[int, ...] | list[int]:
        """What is added to each side where the padding is not zeros, last dimension first."""
        if not isinstance(self.padding, str):
            return padding_for_pad(self.padding)
        sides = [0, 0] * len(self.kernel_size)
        if self.padding == "same":
            reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=False)]
            # An odd sum leaves one more at the end than at the start.
            sides = [side for total in reversed(reach) for side in (total // 2, total - total // 2)]
        return sides

    def reset_parameters(self) -> None:
        """Draw the initial parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            init._uniform_fan_in_(self.bias, fan_in)

    def _padded(self, input: Tensor) -> tuple[Tensor, str | int | tuple[int, ...]]:
        """The input, padded unless by zeros, and what the convolution has to pad itself."""
        if self.padding_mode == "zeros":
            return input, self.padding
        padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return padded, 0

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_ConvNd):
    """Cross-correlation of signals of several channels with learned kernels.

    out[n, c] = bias[c] + Σₖ weight[c, k] ⋆ input[n, k]

    Weight and bias start uniform between -1/√f and 1/√f, with f the number of inputs of one
    output: in_channels / groups · kernel size.

    Args:
        in_channels, out_channels: of input and output.
        kernel_size: length of the kernel.
        stride: distance between outputs.
        padding: added to both sides of the input; or ``"valid"`` for none, ``"same"`` for an
            output as long as the input.
        dilation: distance between kernel elements.
        groups: in how many groups the channels are split; each sees its own inputs only.
        bias: whether there is a bias.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device, dtype: those of the parameters.

    Raises:
        ValueError: channels are no multiple of groups, the padding or its mode is unknown, or
            ``"same"`` comes with a stride.
    """

    dimensions = 1

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) or (C, L) to (N, C_out, L_out) or (C_out, L_out)."""
        input, padding = self._padded(input)
        return F.conv1d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv2d(_ConvNd):
    """Cross-correlation of images of several channels with learned kernels.

    out[n, c] = bias[c] + Σₖ weight[c, k] ⋆ input[n, k]

    Weight and bias start uniform between -1/√f and 1/√f, with f the number of inputs of one
    output: in_channels / groups · kernel height · kernel width.

    Args:
        in_channels, out_channels: of input and output.
        kernel_size: height and width of the kernel, or one number for both.
        stride: distance between outputs, one number or two.
        padding: added to both sides of the input, one number or two; or ``"valid"`` for none,
            ``"same"`` for an output as large as the input.
        dilation: distance between kernel elements, one number or two.
        groups: in how many groups the channels are split; each sees its own inputs only.
        bias: whether there is a bias.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device, dtype: those of the parameters.

    Raises:
        ValueError: channels are no multiple of groups, the padding or its mode is unknown, or
            ``"same"`` comes with a stride.
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W) to (N, C_out, H_out, W_out) or (C_out, H_out, W_out)."""
        input, padding = self._padded(input)
        return F.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv3d(_ConvNd):
    """Cross-correlation of volumes of several channels with learned kernels.

    out[n, c] = bias[c] + Σₖ weight[c, k] ⋆ input[n, k]

    Weight and bias start uniform between -1/√f and 1/√f, with f the number of inputs of one
    output: in_channels / groups · kernel depth · height · width.

    Args:
        in_channels, out_channels: of input and output.
        kernel_size: depth, height and width of the kernel, or one number for all.
        stride: distance between outputs, one number or three.
        padding: added to both sides of the input, one number or three; or ``"valid"`` for none,
            ``"same"`` for an output as large as the input.
        dilation: distance between kernel elements, one number or three.
        groups: in how many groups the channels are split; each sees its own inputs only.
        bias: whether there is a bias.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device, dtype: those of the parameters.

    Raises:
        ValueError: channels are no multiple of groups, the padding or its mode is unknown, or
            ``"same"`` comes with a stride.
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W) to the same with C_out, D_out, H_out and W_out."""
        input, padding = self._padded(input)
        return F.conv3d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )
