"""Adamax: steps scaled by a decaying maximum of the gradients."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``param -= rate * exp_avg / exp_inf``, both moved on before."""
    param, grad, exp_avg, exp_inf = arrays
    first, second = scratch
    rate, weight_decay, share1, beta2, eps = constants
    decays, maximize = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    step = xp.multiply(xp.subtract(grad, exp_avg, second), share1, second)
    exp_avg = xp.add(exp_avg, step, exp_avg)
    size = xp.add(xp.absolute(grad, second), eps, second)
    exp_inf = xp.maximum(xp.multiply(exp_inf, beta2, exp_inf), size, exp_inf)
    step = xp.multiply(xp.divide(exp_avg, exp_inf, second), rate, second)
    xp.subtract(param, step, param)


@list_kernel("adamax_step")
def adamax(
    params: Any,
    grads: Any,
    exp_avgs: Any,
    exp_infs: Any,
    steps: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: Any,
    weight_decay: Any,
    maximize: bool,
) -> Any:
    by_step = {
        step: (lr / (1 - beta1**step), weight_decay, 1 - beta1, beta2, eps) for step in steps
    }
    flags = (is_set(weight_decay), maximize)
    return update, (params, grads, exp_avgs, exp_infs), [by_step[step] for step in steps], flags
