"""Convolutions whose input channels are those of their first input."""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor
from lamella_nn.modules.conv import Conv1d, Conv2d, Conv3d
from lamella_nn.modules.conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from lamella_nn.modules.lazy import LazyModuleMixin
from lamella_nn.parameter import UninitializedParameter

Sizes = int | tuple[int, ...]


class _LazyConvXdMixin(LazyModuleMixin):
    """What lazy convolutions of every kind share."""

    dimensions: int
    in_channels: int
    out_channels: int
    groups: int
    transposed: bool
    weight: UninitializedParameter
    bias: UninitializedParameter | None
    _weight_shape: Any

    def _defer(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the initial parameters anew, once they have a shape."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give weight and bias their shapes and first values.

        Raises:
            RuntimeError: the input has too few or too many dimensions.
            ValueError: ``groups`` does not divide its channels.
        """
        if not self.has_uninitialized_params():
            size = self.weight.shape
            self.in_channels = size[0] if self.transposed else size[1] * self.groups
            return
        single = self.dimensions + 1
        if input.dim() not in (single, single + 1):
            raise RuntimeError(
                f"Expected {single}D (unbatched) or {single + 1}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {input.shape}"
            )
        self.in_channels = input.shape[-single]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._defer(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode,
        )  # fmt: skip
        self._defer(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """A ``Conv1d`` whose ``in_channels`` are those of its first input; it becomes one then.

    The arguments are those of ``Conv1d`` without ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 2 or 3 dimensions.
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """A ``Conv2d`` whose ``in_channels`` are those of its first input; it becomes one then.

    The arguments are those of ``Conv2d`` without ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 3 or 4 dimensions.
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """A ``Conv3d`` whose ``in_channels`` are those of its first input; it becomes one then.

    The arguments are those of ``Conv3d`` without ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 4 or 5 dimensions.
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """A ``ConvTranspose1d`` that takes its ``in_channels`` from its first input.

    It becomes a ``ConvTranspose1d`` then. The arguments are those of that class without
    ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 2 or 3 dimensions.
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """A ``ConvTranspose2d`` that takes its ``in_channels`` from its first input.

    It becomes a ``ConvTranspose2d`` then. The arguments are those of that class without
    ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 3 or 4 dimensions.
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """A ``ConvTranspose3d`` that takes its ``in_channels`` from its first input.

    It becomes a ``ConvTranspose3d`` then. The arguments are those of that class without
    ``in_channels``.

    Raises:
        ValueError: by the first call, where ``groups`` does not divide the channels.
        RuntimeError: by the first call, for an input of other than 4 or 5 dimensions.
    """

    cls_to_become = ConvTranspose3d
