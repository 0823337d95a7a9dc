"""Adadelta: steps scaled by the ratio of two running averages."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``delta = sqrt(acc_delta + eps) / sqrt(square_avg + eps) * grad; param -= rate * delta``."""
    param, grad, square_avg, acc_delta = arrays
    first, second = scratch
    rate, weight_decay, rho, share, eps = constants
    decays, maximize = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    kept = xp.multiply(square_avg, rho, square_avg)
    square = xp.multiply(xp.multiply(grad, grad, second), share, second)
    square_avg = xp.add(kept, square, square_avg)
    scale = xp.sqrt(xp.add(square_avg, eps, second), second)
    delta = xp.divide(grad, scale, first)
    scale = xp.sqrt(xp.add(acc_delta, eps, second), second)
    delta = xp.multiply(delta, scale, first)
    kept = xp.multiply(acc_delta, rho, acc_delta)
    square = xp.multiply(xp.multiply(delta, delta, second), share, second)
    xp.add(kept, square, acc_delta)
    xp.subtract(param, xp.multiply(delta, rate, second), param)


@list_kernel("adadelta_step")
def adadelta(
    params: Any,
    grads: Any,
    square_avgs: Any,
    acc_deltas: Any,
    lr: Any,
    rho: Any,
    eps: Any,
    weight_decay: Any,
    maximize: bool,
) -> Any:
    constants = (lr, weight_decay, rho, 1 - rho, eps)
    flags = (is_set(weight_decay), maximize)
    return update, (params, grads, square_avgs, acc_deltas), [constants] * len(params), flags
