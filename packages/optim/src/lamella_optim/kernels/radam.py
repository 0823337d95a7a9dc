"""RAdam: Adam whose scaling waits until its variance is known."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.adam import moments
from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``param -= rate * exp_avg``, where scaled, divided by ``sqrt(exp_avg_sq) + eps``."""
    param, grad, exp_avg, exp_avg_sq = arrays
    first, second = scratch
    *shares, weight_decay, shrink, eps, rate, is_scaled = constants
    decays, shrinks, maximize = flags
    if shrinks:
        param = xp.multiply(param, shrink, param)
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    exp_avg, exp_avg_sq = moments(xp, grad, exp_avg, exp_avg_sq, second, shares)
    step = exp_avg
    if is_scaled:
        scale = xp.add(xp.sqrt(exp_avg_sq, second), eps, second)
        step = xp.divide(exp_avg, scale, second)
    xp.subtract(param, xp.multiply(step, rate, second), arrays[0])


@list_kernel("radam_step")
def radam(
    params: Any,
    grads: Any,
    exp_avgs: Any,
    exp_avg_sqs: Any,
    steps: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    decoupled: bool,
    maximize: bool,
) -> Any:
    decays = is_set(weight_decay)
    flags = (decays and not decoupled, decays and decoupled, maximize)
    by_step = {
        step: (
            beta1,
            1 - beta1,
            beta2,
            1 - beta2,
            weight_decay,
            1 - lr * weight_decay,
            eps,
            *_rate(step, lr, beta1, beta2),
        )
        for step in set(steps)
    }
    lists = (params, grads, exp_avgs, exp_avg_sqs)
    return update, lists, [by_step[step] for step in steps], flags


def _rate(step: Any, lr: Any, beta1: Any, beta2: Any) -> tuple[Any, bool]:
    """The factor of the step, and whether the step is scaled by the second average."""
    rate = lr / (1 - beta1**step)
    correction = 1 - beta2**step
    limit = 2 / (1 - beta2) - 1
    length = limit - 2 * step * beta2**step / correction
    if not length > 5.0:
        return rate, False
    variance = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
    return rate * variance**0.5 * correction**0.5, True
