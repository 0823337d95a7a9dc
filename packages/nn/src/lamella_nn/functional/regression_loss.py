"""Losses that compare numbers with numbers, and probabilities with probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import Function, is_grad_enabled, no_grad
from lamella_core.conventions.common import anywhere
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, WATCHED
from lamella_core.promotion import result_dtype
from lamella_core.refusal import check_switches
from lamella_core.warning import warn
from lamella_nn.functional.precision import as_given, check_fits
from lamella_nn.functional.reduction import read_reduction, reduced
from lamella_nn.ops.activation import log_sigmoid
from lamella_nn.ops.elementwise_loss import (
    elementwise_bce,
    elementwise_bce_backward,
    elementwise_huber,
    elementwise_logit_bce,
    elementwise_logit_bce_backward,
    elementwise_mse,
    elementwise_smooth_l1,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "huber_loss",
    "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


def _broadcast(input: Tensor, target: Tensor) -> Sequence[Tensor]:
    """Both in one shape, in which a tensor without dimensions takes part in promotion."""
    if input._array.shape != target._array.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            f"Please ensure they have the same size."
        )
        return core.broadcast_tensors(input, target)
    return input, target


def _weighted(losses: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """Weighted losses; their mean is over the sum of the weights."""
    if weight._array.shape != losses._array.shape:
        raise ValueError(
            f"Weights and input must have the same size, got {list(weight._array.shape)} and "
            f"{list(losses._array.shape)}."
        )
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.sum()
    return reduced(losses, reduction)


# From this many elements on, memory costs more than the questions whether it can be used again.
_LARGE = 1 << 16


def _times_weight(losses: Tensor, weight: Tensor) -> Tensor:
    """Losses that an op made just now, times a weight, in their type: large ones in place."""
    if _fits(weight, losses):
        return losses.mul_(weight)
    return as_given(losses * weight, losses)


def _fits(weight: Tensor, input: Tensor) -> bool:
    # Whether large losses of a type can be multiplied by a constant in place.
    return (
        input._array.size >= _LARGE
        and weight._dtype is input._dtype
        and not (weight._key & WATCHED or input._key & LIFTED)
        and core.broadcast_shapes(input.shape, weight.shape) == input.shape
    )


def _op_times_weight(
    op: Any, slope: Any, weight: Tensor, input: Tensor, target: Tensor, *more: Any
) -> Tensor:
    """:func:`_times_weight` of what an op with the gradient ``slope`` makes."""
    given = [each for each in (target, *more) if each is not None]
    if input._key & REQUIRES_GRAD and _fits(weight, input):
        if is_grad_enabled() and not any([each._key & WATCHED for each in given]):
            return _Weighted.apply(input, target, weight, op, slope, *more)
    return _times_weight(op(input, target, *more), weight)


class _Weighted(Function):
    """Losses times a constant weight, whose gradient is weighted in place."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, target: Tensor, weight: Tensor, op: Any, slope: Any, *more: Any
    ) -> Tensor:
        ctx.save_for_backward(input, target, weight, *more)
        ctx.slope = slope
        return op(input, target, *more).mul_(weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        input, target, weight, *more = ctx.saved_tensors
        slope = ctx.slope(grad, input, target, *more)
        slope = slope * weight if is_grad_enabled() else slope.mul_(weight)
        return (slope, *(None,) * (4 + len(more)))


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared error, ``(input - target)^2``.

    Args:
        input, target: of one shape; others broadcast with a warning.
        size_average, reduce: deprecated names of the reduction.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: of the input's shape; the mean is then the weighted one.

    Raises:
        ValueError: for an unknown reduction, or a weight of another shape.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    losses = elementwise_mse(*_broadcast(input, target))
    if weight is not None:
        return _weighted(losses, weight, reduction)
    return reduced(losses, reduction, "MseLossBackward0")


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute error, ``|input - target|``.

    Args:
        input, target: of one shape; others broadcast with a warning.
        size_average, reduce, reduction, weight: as in :func:`mse_loss`.

    Raises:
        ValueError: for an unknown reduction, or a weight of another shape.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    input, target = _broadcast(input, target)
    losses = (input - target).abs()
    return reduced(losses, reduction) if weight is None else _weighted(losses, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """``d^2 / (2 beta)`` where ``d = |input - target| < beta``, ``d - beta / 2`` elsewhere.

    Args:
        input, target: of one shape; others broadcast with a warning.
        size_average, reduce: deprecated names of the reduction.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: where the square passes into the line; 0 gives :func:`l1_loss`.

    Raises:
        ValueError: for an unknown reduction.
        RuntimeError: when ``beta`` is negative.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    input, target = _broadcast(input, target)
    if not beta >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    return reduced(elementwise_smooth_l1(input, target, beta), reduction, "SmoothL1LossBackward0")


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """``d^2 / 2`` where ``d = |input - target| <= delta``, ``delta (d - delta / 2)`` elsewhere.

    Args:
        delta: where the square passes into the line.
        weight: of the input's shape; the mean is then the weighted one.

    Returns:
        The loss in the type of ``input``, whatever that of ``target`` is.

    Raises:
        ValueError: for an unknown reduction, or a weight of another shape.
        RuntimeError: unless ``delta`` is positive, and for a target of a higher category.
    """
    reduction = read_reduction(reduction, None, None)
    input, target = _broadcast(input, target)
    if not delta > 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    if target._dtype is not input._dtype:
        check_fits(result_dtype((input, target)), input)
    losses = as_given(elementwise_huber(input, target, delta), input)
    if weight is not None:
        return _weighted(losses, weight, reduction)
    return reduced(losses, reduction, "HuberLossBackward0")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(target log input + (1 - target) log(1 - input))``, logarithms held above -100.

    Args:
        input: probabilities.
        target: numbers between 0 and 1, of the input's shape.
        weight: broadcasts to the target's shape.

    Raises:
        ValueError: when the shapes differ, or the reduction is unknown.
        RuntimeError: when the dtypes differ, or a number lies outside of [0, 1].
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if target._dtype is not input._dtype:
        raise RuntimeError(
            f"Found dtype {target._dtype.class_name} but expected {input._dtype.class_name}; "
            "convert the target to the input's dtype"
        )
    for name, tensor in (("input", input.detach()), ("target", target.detach())):
        if tensor.numel() and anywhere(~((tensor >= 0) & (tensor <= 1))):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1")
    if weight is None:
        losses = elementwise_bce(input, target)
    else:
        losses = _op_times_weight(elementwise_bce, elementwise_bce_backward, weight, input, target)
    return reduced(losses, reduction, "BinaryCrossEntropyBackward0")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """:func:`binary_cross_entropy` of sigmoid(input), without overflow.

    ``(1 - t) x + (1 + (pos_weight - 1) t) log(1 + exp(-x))``.

    Args:
        input: logits.
        target: numbers between 0 and 1, of the input's shape.
        weight, pos_weight: broadcast to the target's shape; the latter multiplies what positive
            targets cost.

    Raises:
        ValueError: when the shapes differ, or the reduction is unknown.
        RuntimeError: for a target or a weight of a type that the losses do not fit.
    """
    reduction = read_reduction(reduction, size_average, reduce)
    if target._array.shape != input._array.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    if target._dtype is input._dtype and (pos_weight is None or pos_weight._dtype is input._dtype):
        if weight is not None:
            losses = _op_times_weight(
                elementwise_logit_bce, elementwise_logit_bce_backward, weight, input, target,
                pos_weight,
            )  # fmt: skip
            return reduced(losses, reduction, "BinaryCrossEntropyWithLogitsBackward0")
        losses = elementwise_logit_bce(input, target, pos_weight)
    else:
        # The losses have the target's type, and are rounded to it at each step.
        logarithm = log_sigmoid(input)
        losses = as_given((1 - target) * input, target)
        if pos_weight is not None:
            logarithm = logarithm * ((pos_weight - 1) * target + 1)
        losses = as_given(losses - logarithm, target)
    if weight is not None:
        losses = _times_weight(losses, weight)
    return reduced(losses, reduction, "BinaryCrossEntropyWithLogitsBackward0")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The Kullback-Leibler divergence, ``target (log target - input)``, of log-probabilities.

    Args:
        input: log-probabilities.
        target: probabilities, or their logarithms.
        reduction: also ``"batchmean"``, the sum over the batch size, which is the definition.
        log_target: whether the target is logarithms.

    Raises:
        ValueError: for an unknown reduction.
        RuntimeError: for integers.
    """
    if reduction == "mean" and size_average is None and reduce is None:
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support "
            "size.'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.'mean' will be changed to behave the same as 'batchmean' in the next major "
            "release."
        )
    if not (input._dtype.is_floating_point and target._dtype.is_floating_point):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    by_batch = reduction == "batchmean"
    reduction = read_reduction("sum" if by_batch else reduction, size_average, reduce)
    if log_target:
        losses = target.exp() * (target - input)
    else:
        losses = core.xlogy(target, target) - target * input
    total = reduced(losses, reduction)
    return total / input._array.shape[0] if by_batch and input.ndim else total


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of Poisson counts.

    ``exp(input) - target input``, or ``input - target log(input + eps)`` without ``log_input``;
    ``full`` adds Stirling's ``t log t - t + log(2 pi t) / 2`` for targets above 1.

    Raises:
        ValueError: for an unknown reduction.
    """
    check_switches("poisson_nll_loss", full=full)
    reduction = read_reduction(reduction, size_average, reduce)
    if log_input:
        losses = input.exp() - target * input
    else:
        losses = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + core.where(target > 1, stirling, core.zeros_like(stirling))
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of normal numbers, ``(log v + (input - target)^2 / v) / 2``.

    Args:
        input: means.
        var: variances: the input's shape, or with one dimension 1, or the last left out; or a
            number.
            Held above ``eps``, without effect on gradients.
        full: whether to add ``log(2 pi) / 2``.

    Raises:
        ValueError: when the shape of ``var`` does not fit, a variance is negative, or the
            reduction is unknown.
    """
    reduction = read_reduction(reduction, None, None)
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError(f"var has negative entry/entries: {var}")
        var = core.full_like(input, float(var))
    elif anywhere(var < 0):
        raise ValueError("var has negative entry/entries")
    shape, sizes = input._array.shape, var._array.shape
    if sizes != shape:
        if shape[:-1] == sizes:
            var = var.unsqueeze(-1)
        elif len(sizes) != len(shape) or [
            have for want, have in zip(shape, sizes, strict=True) if want != have
        ] != [1]:
            raise ValueError(
                f"var is of incorrect size: {list(sizes)} for an input of {list(shape)}"
            )
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    losses = 0.5 * (var.log() + (input - target).square() / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)
