"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.adam import moments
from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``param -= (of_grad * grad + of_avg * exp_avg) / (sqrt(exp_avg_sq) * slope + eps)``."""
    param, grad, exp_avg, exp_avg_sq = arrays
    first, second = scratch
    *shares, weight_decay, shrink, eps, slope, of_grad, of_avg = constants
    decays, shrinks, maximize = flags
    if shrinks:
        param = xp.multiply(param, shrink, param)
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    exp_avg, exp_avg_sq = moments(xp, grad, exp_avg, exp_avg_sq, second, shares)
    step = xp.multiply(grad, of_grad, first)
    step = xp.add(step, xp.multiply(exp_avg, of_avg, second), first)
    scale = xp.multiply(xp.sqrt(exp_avg_sq, second), slope, second)
    scale = xp.add(scale, eps, second)
    xp.subtract(param, xp.divide(step, scale, second), arrays[0])


def momentum_of(step: Any, beta1: Any, momentum_decay: Any) -> Any:
    """The momentum of a step: it rises from half of ``beta1`` towards ``beta1``."""
    return beta1 * (1.0 - 0.5 * 0.96 ** (step * momentum_decay))


@list_kernel("nadam_step")
def nadam(
    params: Any,
    grads: Any,
    exp_avgs: Any,
    exp_avg_sqs: Any,
    mu_products: Any,
    steps: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    momentum_decay: Any,
    decoupled: bool,
    maximize: bool,
) -> Any:
    decays = is_set(weight_decay)
    flags = (decays and not decoupled, decays and decoupled, maximize)
    constants = []
    for step, product in zip(steps, mu_products, strict=True):
        now = momentum_of(step, beta1, momentum_decay)
        following = momentum_of(step + 1, beta1, momentum_decay)
        constants.append(
            (
                beta1,
                1 - beta1,
                beta2,
                1 - beta2,
                weight_decay,
                1 - lr * weight_decay,
                eps,
                (1 - beta2**step) ** -0.5,
                lr * (1 - now) / (1 - product),
                lr * following / (1 - product * following),
            )
        )
    return update, (params, grads, exp_avgs, exp_avg_sqs), constants, flags
