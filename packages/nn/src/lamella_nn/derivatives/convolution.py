"""Derivatives of convolutions: each of the three contractions by the other two.

Complex operands follow the convention of gradients to the conjugate, so the factor that stays is
conjugated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative, node_name
from lamella_core.dtype import COMPLEX
from lamella_nn.ops.convolution import (
    convolution,
    convolution_input_grad,
    convolution_weight_grad,
    fold_windows,
    unfold_windows,
)

if TYPE_CHECKING:
    from lamella_core import Tensor


def _conj(tensor: Tensor) -> Tensor:
    return tensor.conj().resolve_conj() if tensor._dtype.category == COMPLEX else tensor


def _cropped(result: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A convolution's first windows, where output padding left room for more than there were."""
    for dim in range(2, len(shape)):
        if result._array.shape[dim] != shape[dim]:
            result = result.narrow(dim, 0, shape[dim])
    return result


def _convolution(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    needs: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    settings = (stride, padding, dilation, groups)
    to_input = to_weight = to_bias = None
    if needs[0]:
        sizes = input._array.shape[2:]
        to_input = convolution_input_grad(grad, _conj(weight), sizes, *settings)
    if needs[1]:
        kernel = weight._array.shape[2:]
        to_weight = convolution_weight_grad(_conj(input), grad, kernel, *settings)
    if needs[2]:
        to_bias = grad.sum((0, *range(2, grad.ndim)))
    return to_input, to_weight, to_bias


derivative("convolution", joint=("input", "weight", "bias"), compute=_convolution)

derivative(
    "convolution_input_grad",
    grad_output=lambda grad, weight, grad_output_shape, stride, padding, dilation, groups: _cropped(
        convolution(grad, _conj(weight), None, stride, padding, dilation, groups),
        grad_output_shape,
    ),
    weight=lambda grad, grad_output, weight_shape, stride, padding, dilation, groups: (
        convolution_weight_grad(
            grad, _conj(grad_output), weight_shape[2:], stride, padding, dilation, groups
        )
    ),
)

derivative(
    "convolution_weight_grad",
    input=lambda grad, grad_output, input_shape, stride, padding, dilation, groups: (
        convolution_input_grad(
            _conj(grad_output), grad, input_shape[2:], stride, padding, dilation, groups
        )
    ),
    grad_output=lambda grad, input, grad_output_shape, stride, padding, dilation, groups: _cropped(
        convolution(_conj(input), grad, None, stride, padding, dilation, groups),
        grad_output_shape,
    ),
)

derivative(
    "unfold_windows",
    input=lambda grad, input_shape, kernel, stride, padding, dilation: fold_windows(
        grad, input_shape[2:], kernel, stride, padding, dilation
    ),
)
derivative(
    "fold_windows",
    input=lambda grad, kernel, stride, padding, dilation: unfold_windows(
        grad, kernel, stride, padding, dilation
    ),
)

node_name("convolution_input_grad", "ConvolutionBackward0")
node_name("unfold_windows", "Im2ColBackward0")
node_name("fold_windows", "Col2ImBackward0")
