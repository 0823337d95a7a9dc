"""Gradients of convolutions to their inputs and weights, as functions of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamella_core import Tensor
from lamella_nn.functional.arguments import listed, per_dimension
from lamella_nn.kernels.windows import output_sizes
from lamella_nn.ops.convolution import convolution_input_grad, convolution_weight_grad

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input",
           "conv3d_weight"]  # fmt: skip

Size = int | Sequence[int]


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv1d`` to its input; see :func:`conv2d_input`."""
    return _to_input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv1d`` to its weight; see :func:`conv2d_weight`."""
    return _to_weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv2d`` to its input.

    Args:
        input_size: the shape of the input, ``(batch, channels, height, width)``.
        weight: ``(features, channels / groups, height, width)``.
        grad_output: the gradient to the output, of the output's shape.
        stride, padding, dilation, groups: those of the convolution.

    Raises:
        RuntimeError: when the shapes do not fit one another.
    """
    return _to_input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv2d`` to its weight.

    Args:
        input: ``(batch, channels, height, width)``.
        weight_size: the shape of the weight, ``(features, channels / groups, height, width)``.
        grad_output: the gradient to the output, of the output's shape.
        stride, padding, dilation, groups: those of the convolution.

    Raises:
        RuntimeError: when the shapes do not fit one another.
    """
    return _to_weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv3d`` to its input; see :func:`conv2d_input`."""
    return _to_input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of ``functional.conv3d`` to its weight; see :func:`conv2d_weight`."""
    return _to_weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)


def _to_input(dims: int, input_size: Any, weight: Tensor, grad: Tensor, *settings: Any) -> Tensor:
    sizes, kernel = tuple(input_size), tuple(weight.shape)
    stride, padding, dilation, groups = _checked(dims, sizes, kernel, grad, *settings)
    return convolution_input_grad(grad, weight, sizes[2:], stride, padding, dilation, groups)


def _to_weight(dims: int, input: Tensor, weight_size: Any, grad: Tensor, *settings: Any) -> Tensor:
    sizes, kernel = tuple(input.shape), tuple(weight_size)
    stride, padding, dilation, groups = _checked(dims, sizes, kernel, grad, *settings)
    return convolution_weight_grad(input, grad, kernel[2:], stride, padding, dilation, groups)


def _checked(
    dims: int,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    grad: Tensor,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
    """The settings by dimension, once the shapes fit one another."""
    name = f"conv{dims}d"
    if not len(sizes) == len(kernel) == dims + 2:
        raise RuntimeError(
            f"Expected {dims + 2}-dimensional input and weight, but got sizes {listed(sizes)} and "
            f"{listed(kernel)}"
        )
    settings = [
        per_dimension(name, argument, value, dims)
        for argument, value in (("stride", stride), ("padding", padding), ("dilation", dilation))
    ]
    out = output_sizes(sizes[2:], kernel[2:], *settings)
    expected = [sizes[0], kernel[0], *out]
    if sizes[1] != kernel[1] * groups or list(grad.shape) != expected:
        raise RuntimeError(
            f"An input of size {listed(sizes)} and a weight of size {listed(kernel)} in {groups} "
            f"groups have outputs of size {listed(expected)}, but got a gradient of size "
            f"{listed(grad.shape)}"
        )
    return (*settings, groups)  # type: ignore[return-value]
