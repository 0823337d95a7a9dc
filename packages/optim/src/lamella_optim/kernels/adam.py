"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def moments(
    xp: Any, grad: Any, exp_avg: Any, exp_avg_sq: Any, scratch: Any, shares: Any
) -> tuple[Any, Any]:
    """Moves both averages towards the gradient and its square.

    Args:
        shares: ``1 - beta1``, ``beta2``, ``1 - beta2``.
    """
    share1, beta2, share2 = shares
    step = xp.multiply(xp.subtract(grad, exp_avg, scratch), share1, scratch)
    exp_avg = xp.add(exp_avg, step, exp_avg)
    kept = xp.multiply(exp_avg_sq, beta2, exp_avg_sq)
    square = xp.multiply(xp.multiply(grad, grad, scratch), share2, scratch)
    return exp_avg, xp.add(kept, square, exp_avg_sq)


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """One step; ``param += exp_avg / (sqrt(exp_avg_sq) * slope + offset)``.

    This is ``param -= size * exp_avg / (sqrt(exp_avg_sq) / correction + eps)`` with the numbers
    drawn together: two passes fewer.
    """
    param, grad, exp_avg, exp_avg_sq = arrays[:4]
    first, second = scratch
    *shares, weight_decay, shrink, slope, offset = constants
    decays, shrinks, maximize, amsgrad, moves = flags
    if shrinks:
        param = xp.multiply(param, shrink, param)
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    exp_avg, exp_avg_sq = moments(xp, grad, exp_avg, exp_avg_sq, second, shares)
    if amsgrad:
        exp_avg_sq = xp.maximum(arrays[4], exp_avg_sq, out=arrays[4])
    if moves:
        scale = xp.multiply(xp.sqrt(exp_avg_sq, second), slope, second)
        scale = xp.add(scale, offset, second)
        xp.add(param, xp.divide(exp_avg, scale, second), arrays[0])


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
    # A rate of 0, as at the start of a warm-up, moves the averages alone.
    flags = (decays and not decoupled, decays and decoupled, maximize, amsgrad, is_set(lr))
    by_step: dict[Any, Any] = {}
    constants = []
    for step in steps:
        known = by_step.get(step)
        if known is None:
            known = by_step[step] = (
                1 - beta1,
                beta2,
                1 - beta2,
                weight_decay,
                1 - lr * weight_decay,
                *_scale(step, lr, beta1, beta2, eps),
            )
        constants.append(known)
    return update, lists, constants, flags


def _scale(step: Any, lr: Any, beta1: Any, beta2: Any, eps: Any) -> tuple[Any, Any]:
    """Slope and offset of the denominator: the corrections for averages that began at 0."""
    if not is_set(lr):
        return 0.0, 0.0
    inverse = -(1 - beta1**step) / lr
    return inverse / (1 - beta2**step) ** 0.5, inverse * eps
