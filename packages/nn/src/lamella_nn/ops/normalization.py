"""Normalizations with statistics of the input itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.pointwise import pointwise

if TYPE_CHECKING:
    from lamella_core import Tensor


@pointwise(method=False, inplace=False)
def scale_and_shift(input: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """``input * scale + shift`` in one pass."""


@arrays(reduced_precision=True, keeps_format=1, row_major=True, method=False)
def scale_channels(input: Tensor, scale: Tensor, shift: Tensor | None) -> Tensor:
    """``input * scale + shift`` by channel (dimension 1), in the type of the input.

    Args:
        scale, shift: ``(channels,)``, of the type that the input is computed in.
    """


@arrays(promotes=True, method=False)
def channel_dot(first: Tensor, second: Tensor) -> Tensor:
    """The sum a channel (dimension 1) of a product that is not held."""


@arrays(refuses="bool integer complex", keeps_format=1, row_major=True, method=False)
def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(variance + eps) * weight + bias``, by channel (dimension 1).

    Returns:
        The result, and each channel's mean and biased variance.
    """


@arrays(keeps_format=2, row_major=True, method=False)
def native_batch_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of ``native_batch_norm`` to its input, weight and bias."""


@arrays(refuses="bool integer complex", method=False)
def native_layer_norm(
    input: Tensor,
    sizes: tuple[int, ...],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` over the last dimensions, ``sizes``.

    Returns:
        The result, the mean and ``1 / sqrt(variance + eps)``, the latter two with sizes 1.
    """


@arrays(row_major=True, method=False)
def native_layer_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    sizes: tuple[int, ...],
    weight: Tensor | None,
    mean: Tensor,
    rstd: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of ``native_layer_norm`` to its input, weight and bias."""


@arrays(refuses="bool integer complex", keeps_format=1, method=False)
def native_group_norm(
    input: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(variance + eps) * weight + bias``, by groups of channels of each example.

    Args:
        input: ``(batch, channels, *places)``.
        weight, bias: ``(channels,)`` or None.

    Returns:
        The result, and each group's mean and biased variance, ``(batch, groups)``.
    """


@arrays(keeps_format=2, method=False)
def native_group_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    groups: int,
    weight: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of ``native_group_norm`` to its input, weight and bias."""
