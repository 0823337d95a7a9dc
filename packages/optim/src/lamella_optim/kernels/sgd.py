"""SGD: gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, is_set, list_kernel
from lamella_optim.kernels.scaled_sums import add_scaled, average


def plain(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``param -= lr * grad``."""
    param, grad = arrays
    first, second = scratch
    rate, weight_decay = constants
    decays, maximize = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    add_scaled(xp, param, rate, grad, second, param)


def with_momentum(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """``buffer = momentum * buffer + (1 - dampening) * grad``, and the step along the buffer.

    With Nesterov's momentum the step is along ``grad + momentum * buffer``.
    """
    param, grad, buffer = arrays
    first, second = scratch
    rate, weight_decay, momentum, undamped = constants
    decays, maximize, nesterov, damps = flags
    grad = gradient(xp, param, grad, first, weight_decay if decays else None, maximize)
    buffer = average(xp, buffer, momentum, grad, undamped if damps else None, second)
    if nesterov:
        step = xp.add(grad, xp.multiply(buffer, momentum, second), second)
    else:
        step = buffer
    add_scaled(xp, param, rate, step, second, param)


@list_kernel("sgd_step")
def sgd(
    params: Any,
    grads: Any,
    lr: Any,
    weight_decay: Any,
    maximize: bool,
) -> Any:
    constants = (-lr, weight_decay)
    flags = (is_set(weight_decay), maximize)
    return plain, (params, grads), [constants] * len(params), flags


@list_kernel("sgd_momentum_step")
def sgd_momentum(
    params: Any,
    grads: Any,
    momentum_buffers: Any,
    fresh: Any,
    lr: Any,
    momentum: Any,
    dampening: Any,
    weight_decay: Any,
    nesterov: bool,
    maximize: bool,
) -> Any:
    damped = (-lr, weight_decay, momentum, 1 - dampening)
    undamped = (-lr, weight_decay, momentum, 1.0)
    flags = (is_set(weight_decay), maximize, nesterov, dampening != 0)
    lists = (params, grads, momentum_buffers)
    return with_momentum, lists, [undamped if new else damped for new in fresh], flags
