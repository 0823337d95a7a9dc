"""ASGD: gradient descent, and the average of the places passed."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``param -= eta * (grad + lambd * param); average += mu * (param - average)``."""
    param, grad, average = arrays
    first, second = scratch
    eta, weight_decay, shrink, mu = constants
    decays, maximize = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    param = xp.multiply(param, shrink, param)
    param = xp.subtract(param, xp.multiply(grad, eta, second), arrays[0])
    step = xp.multiply(xp.subtract(param, average, second), mu, second)
    xp.add(average, step, average)


@list_kernel("asgd_step")
def asgd(
    params: Any,
    grads: Any,
    averages: Any,
    etas: Any,
    mus: Any,
    lambd: Any,
    weight_decay: Any,
    maximize: bool,
) -> Any:
    constants = [
        (eta, weight_decay, 1 - lambd * eta, mu) for eta, mu in zip(etas, mus, strict=True)
    ]
    flags = (is_set(weight_decay), maximize)
    return update, (params, grads, averages), constants, flags
