"""RMSprop: steps scaled by a running average of the squared gradients."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """One step; the last of ``arrays`` are the momentum's buffer and the mean, if there are any."""
    param, grad, square_avg = arrays[:3]
    first, second = scratch
    rate, weight_decay, alpha, share, eps, momentum = constants
    decays, maximize, has_momentum, centered = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    kept = xp.multiply(square_avg, alpha, square_avg)
    square = xp.multiply(xp.multiply(grad, grad, second), share, second)
    square_avg = xp.add(kept, square, square_avg)
    if centered:
        mean = arrays[-1]
        step = xp.multiply(xp.subtract(grad, mean, second), share, second)
        mean = xp.add(mean, step, mean)
        scale = xp.subtract(square_avg, xp.multiply(mean, mean, second), second)
    else:
        scale = square_avg
    scale = xp.add(xp.sqrt(scale, second), eps, second)
    step = xp.divide(grad, scale, second)
    if has_momentum:
        buffer = arrays[3]
        step = xp.add(xp.multiply(buffer, momentum, buffer), step, buffer)
    xp.subtract(param, xp.multiply(step, rate, second), param)


@list_kernel("rmsprop_step")
def rmsprop(
    params: Any,
    grads: Any,
    square_avgs: Any,
    momentum_buffers: Any,
    grad_avgs: Any,
    lr: Any,
    alpha: Any,
    eps: Any,
    weight_decay: Any,
    momentum: Any,
    maximize: bool,
) -> Any:
    lists = [params, grads, square_avgs]
    if len(momentum_buffers):
        lists.append(momentum_buffers)
    if len(grad_avgs):
        lists.append(grad_avgs)
    constants = (lr, weight_decay, alpha, 1 - alpha, eps, momentum)
    flags = (is_set(weight_decay), maximize, len(momentum_buffers) > 0, len(grad_avgs) > 0)
    return update, lists, [constants] * len(params), flags
