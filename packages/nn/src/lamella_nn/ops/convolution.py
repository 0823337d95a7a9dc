"""Convolutions of any number of dimensions, and the columns they are made of.

``convolution``, ``convolution_input_grad`` and ``convolution_weight_grad`` are the three
contractions of one trilinear form: each is the derivative of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_nn.kernels.windows import Sizes


@arrays(keeps_format=2, method=False)
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    """``out[n, o, x] = bias[o] + sum input[n, c, s x + d k - p] weight[o, c, k]``.

    Args:
        input: ``(batch, channels, *sizes)``.
        weight: ``(features, channels / groups, *kernel)``.
        bias: ``(features,)`` or None.
        stride, padding, dilation: one number for each dimension of the kernel.
        groups: how many separate convolutions the channels are divided into.

    Returns:
        ``(batch, features, *out)`` with ``out = (size + 2p - d(k - 1) - 1) // s + 1``.
    """


@arrays(keeps_format=2, method=False)
def convolution_input_grad(
    grad_output: Tensor,
    weight: Tensor,
    sizes: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    """The gradient of ``convolution`` to its input, which is also the transposed convolution.

    Args:
        grad_output: ``(batch, features, *out)``.
        weight: ``(features, channels / groups, *kernel)``.
        sizes: the spatial sizes of the input, ``(batch, channels, *sizes)``, that is returned.
    """


@arrays(method=False)
def convolution_weight_grad(
    input: Tensor,
    grad_output: Tensor,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    """The gradient of ``convolution`` to its weight, ``(features, channels / groups, *kernel)``."""


@arrays(reduced_precision=True, method=False)
def unfold_windows(
    input: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Tensor:
    """The windows of a batch of images as columns: ``(batch, channels * kernel, windows)``."""


@arrays(reduced_precision=True, method=False)
def fold_windows(
    input: Tensor,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
) -> Tensor:
    """The adjoint of ``unfold_windows``: columns added up into ``(batch, channels, *sizes)``."""
