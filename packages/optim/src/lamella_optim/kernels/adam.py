"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel
from lamella_optim.kernels.scaled_sums import add_scaled, average


def moments(
    xp: Any, grad: Any, exp_avg: Any, exp_avg_sq: Any, scratch: Any, shares: Any
) -> tuple[Any, Any]:
    """Moves both averages towards the gradient and its square.

    Args:
        shares: ``beta1``, ``1 - beta1``, ``beta2``, ``1 - beta2``.
    """
    beta1, share1, beta2, share2 = shares
    exp_avg = average(xp, exp_avg, beta1, grad, share1, scratch)
    square = xp.multiply(grad, grad, scratch)
    return exp_avg, average(xp, exp_avg_sq, beta2, square, share2, scratch)


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """One step; ``param += rate * exp_avg / (sqrt(exp_avg_sq) + eps)``.

    The correction of the second average is in both numbers: one pass fewer.
    """
    param, grad, exp_avg, exp_avg_sq = arrays[:4]
    first, second = scratch
    *shares, weight_decay, shrink, rate, eps = constants
    decays, shrinks, maximize, amsgrad = flags
    if shrinks:
        param = xp.multiply(param, shrink, param)
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    exp_avg, exp_avg_sq = moments(xp, grad, exp_avg, exp_avg_sq, second, shares)
    if amsgrad:
        exp_avg_sq = xp.maximum(arrays[4], exp_avg_sq, out=arrays[4])
    scale = xp.add(xp.sqrt(exp_avg_sq, second), eps, second)
    add_scaled(xp, param, rate, xp.divide(exp_avg, scale, second), second, arrays[0])


@list_kernel("adam_step")
def adam(
    params: Any,
    grads: Any,
    exp_avgs: Any,
    exp_avg_sqs: Any,
    max_exp_avg_sqs: Any,
    steps: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    decoupled: bool,
    maximize: bool,
) -> Any:
    amsgrad = len(max_exp_avg_sqs) > 0
    lists: tuple[Any, ...] = (params, grads, exp_avgs, exp_avg_sqs)
    if amsgrad:
        lists = (*lists, max_exp_avg_sqs)
    decays = is_set(weight_decay)
    flags = (decays and not decoupled, decays and decoupled, maximize, amsgrad)
    by_step: dict[Any, Any] = {}
    constants = []
    for step in steps:
        known = by_step.get(step)
        if known is None:
            known = by_step[step] = (
                beta1,
                1 - beta1,
                beta2,
                1 - beta2,
                weight_decay,
                1 - lr * weight_decay,
                *_rate(step, lr, beta1, beta2, eps),
            )
        constants.append(known)
    return update, lists, constants, flags


def _rate(step: Any, lr: Any, beta1: Any, beta2: Any, eps: Any) -> tuple[Any, Any]:
    """The rate, and eps, corrected for averages that began at 0."""
    correction = (1 - beta2**step) ** 0.5
    return -lr * correction / (1 - beta1**step), eps * correction
