"""Adagrad: steps scaled by the sum of the squared gradients."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``sum += grad²; param -= rate * grad / (sqrt(sum) + eps)``."""
    param, grad, total = arrays
    first, second = scratch
    rate, weight_decay, eps = constants
    decays, maximize = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    total = xp.add(total, xp.multiply(grad, grad, second), total)
    scale = xp.add(xp.sqrt(total, second), eps, second)
    step = xp.multiply(xp.divide(grad, scale, second), rate, second)
    xp.subtract(param, step, param)


@list_kernel("adagrad_step")
def adagrad(
    params: Any,
    grads: Any,
    state_sums: Any,
    steps: Any,
    lr: Any,
    lr_decay: Any,
    eps: Any,
    weight_decay: Any,
    maximize: bool,
) -> Any:
    by_step = {step: (lr / (1 + (step - 1) * lr_decay), weight_decay, eps) for step in steps}
    flags = (is_set(weight_decay), maximize)
    return update, (params, grads, state_sums), [by_step[step] for step in steps], flags
