"""Derivatives of the losses of single numbers, the first and the second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd.formulas import derivative, op_call
from lamella_autograd.names import inner_ops, node_name
from lamella_autograd.restore import is_unseen
from lamella_core.conventions.common import LARGE
from lamella_core.ops.activation import sigmoid
from lamella_core.ops.arithmetic import keep_where
from lamella_core.ops.elementary import exp
from lamella_core.ops.splitting import fill_in_parts
from lamella_nn.ops import elementwise_loss as ops
from lamella_nn.ops.activation import log_sigmoid

if TYPE_CHECKING:
    from lamella_core import Tensor

inner_ops.update(
    f"elementwise_{loss}"
    for loss in ("bce", "huber", "logit_bce", "mse", "smooth_l1", "soft_margin")
)


def _above_zero(input: Tensor) -> Tensor:
    """``x (1 - x)`` as the second derivatives have it, which is another than the first have."""
    return (1 - input) * input + 1e-12


def _bce_second(grad: Tensor, grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """The derivative of ``g (x - t) / (x (1 - x))`` by x."""
    product = _above_zero(input)
    return grad * grad_output * (input * (input - 2 * target) + target) / (product * product)


def _bce_target(grad: Tensor, input: Tensor) -> Tensor:
    size = input._array.size
    if size <= LARGE or not is_unseen():
        return _bce_slope_by_target(grad, input)
    step = max(LARGE * len(input) // size, 1)
    place = grad.new_empty(input._array.shape)
    return fill_in_parts(place, step, _bce_slope_by_target, grad, input)


def _bce_slope_by_target(grad: Tensor, input: Tensor) -> Tensor:
    return grad * (core.log1p(-input) - core.log(input))


derivative(
    "elementwise_bce",
    input=op_call("elementwise_bce_backward", "grad", "input", "target"),
    target=_bce_target,
)
derivative(
    "elementwise_bce_backward",
    grad_output=lambda grad, input, target: grad * (input - target) / _above_zero(input),
    input=_bce_second,
    target=lambda grad, grad_output, input: -grad * grad_output / _above_zero(input),
)


# ------------ with logits


def _logit_bce_target(grad: Tensor, input: Tensor, pos_weight: Tensor | None) -> Tensor:
    if pos_weight is None:
        return grad * -input
    return grad * -(input + (pos_weight - 1) * log_sigmoid(input))


def _logit_bce_curvature(
    grad: Tensor, grad_output: Tensor, input: Tensor, target: Tensor, pos_weight: Tensor | None
) -> Tensor:
    s = sigmoid(input)
    curvature = grad * grad_output * s * (1 - s)
    return curvature if pos_weight is None else curvature * (pos_weight * target + 1 - target)


def _logit_bce_slope_by_target(
    grad: Tensor, grad_output: Tensor, input: Tensor, pos_weight: Tensor | None
) -> Tensor:
    if pos_weight is None:
        return -(grad * grad_output)
    return grad * grad_output * ((pos_weight - 1) * sigmoid(input) - pos_weight)


derivative(
    "elementwise_logit_bce",
    input=lambda grad, input, target, pos_weight: ops.elementwise_logit_bce_backward(
        grad, input, target, pos_weight
    ),
    target=_logit_bce_target,
    pos_weight=lambda grad, input, target: -(grad * target * log_sigmoid(input)),
)
derivative(
    "elementwise_logit_bce_backward",
    grad_output=lambda grad, input, target, pos_weight: ops.elementwise_logit_bce_backward(
        grad, input, target, pos_weight
    ),
    input=_logit_bce_curvature,
    target=_logit_bce_slope_by_target,
    pos_weight=lambda grad, grad_output, input, target: (
        grad * grad_output * target * (sigmoid(input) - 1)
    ),
)


# ------------ of the difference: the gradient to the target is that to the input with both swapped


def _inside(input: Tensor, target: Tensor, bound: float) -> Tensor:
    return (input - target).abs() < bound


derivative(
    "elementwise_mse",
    input=op_call("elementwise_mse_backward", "grad", "input", "target"),
    target=op_call("elementwise_mse_backward", "grad", "target", "input"),
)
derivative(
    "elementwise_mse_backward",
    grad_output=op_call("elementwise_mse_backward", "grad", "input", "target"),
    input=lambda grad, grad_output: grad * grad_output * 2,
    target=lambda grad, grad_output: grad * grad_output * -2,
)
derivative(
    "elementwise_huber",
    input=lambda grad, input, target, delta: ops.elementwise_huber_backward(
        grad, input, target, delta
    ),
    target=lambda grad, input, target, delta: ops.elementwise_huber_backward(
        grad, target, input, delta
    ),
)
derivative(
    "elementwise_huber_backward",
    grad_output=lambda grad, input, target, delta: ops.elementwise_huber_backward(
        grad, input, target, delta
    ),
    input=lambda grad, grad_output, input, target, delta: keep_where(
        grad * grad_output, _inside(input, target, delta)
    ),
    target=lambda grad, grad_output, input, target, delta: keep_where(
        -(grad * grad_output), _inside(input, target, delta)
    ),
)
derivative(
    "elementwise_smooth_l1",
    input=lambda grad, input, target, beta: ops.elementwise_smooth_l1_backward(
        grad, input, target, beta
    ),
    target=lambda grad, input, target, beta: ops.elementwise_smooth_l1_backward(
        grad, target, input, beta
    ),
)
derivative(
    "elementwise_smooth_l1_backward",
    grad_output=lambda grad, input, target, beta: ops.elementwise_smooth_l1_backward(
        grad, input, target, beta
    ),
    input=lambda grad, grad_output, input, target, beta: keep_where(
        grad * grad_output / beta, _inside(input, target, beta)
    ),
    target=lambda grad, grad_output, input, target, beta: keep_where(
        grad * grad_output / -beta, _inside(input, target, beta)
    ),
)


# ------------ of the product


def _soft_margin_by_input(
    grad: Tensor, grad_output: Tensor, input: Tensor, target: Tensor
) -> Tensor:
    power = exp(-target * input)
    return grad * grad_output * target * target * power / (1 + power) ** 2


def _soft_margin_by_target(
    grad: Tensor, grad_output: Tensor, input: Tensor, target: Tensor
) -> Tensor:
    power = exp(-target * input)
    return grad * grad_output * power / (1 + power) * (target * input / (1 + power) - 1)


derivative(
    "elementwise_soft_margin",
    input=op_call("elementwise_soft_margin_backward", "grad", "input", "target"),
    target=op_call("elementwise_soft_margin_backward", "grad", "target", "input"),
)
derivative(
    "elementwise_soft_margin_backward",
    grad_output=op_call("elementwise_soft_margin_backward", "grad", "input", "target"),
    input=_soft_margin_by_input,
    target=_soft_margin_by_target,
)

node_name("elementwise_bce_backward", "BinaryCrossEntropyBackwardBackward0")
node_name("elementwise_huber_backward", "HuberLossBackwardBackward0")
node_name("elementwise_mse_backward", "MseLossBackwardBackward0")
node_name("elementwise_soft_margin_backward", "SoftMarginLossBackwardBackward0")
