"""Rprop: steps whose size goes by the signs of the gradients alone."""

from __future__ import annotations

from typing import Any

from lamella_optim.kernels.lists import gradient, list_kernel


def update(xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
    """One step; where the sign of the gradient has changed, the size shrinks and no step is made.

    ``turned`` is -1 there, and 0 elsewhere.
    """
    param, grad, prev, step_size = arrays
    first, second = scratch
    shrink, growth, low, high = constants
    grad = gradient(xp, param, grad, first, None, flags)
    agreement = xp.sign(xp.multiply(prev, grad, second), second)
    turned = xp.minimum(agreement, 0, prev)
    factor = xp.multiply(xp.maximum(agreement, 0, second), growth, second)
    size = xp.multiply(step_size, xp.add(factor, 1, second), step_size)
    factor = xp.add(xp.multiply(turned, shrink, second), 1, second)
    size = xp.multiply(size, factor, step_size)
    size = xp.minimum(xp.maximum(size, low, step_size), high, step_size)
    grad = xp.multiply(xp.add(turned, 1, second), grad, prev)
    step = xp.multiply(xp.sign(grad, second), size, second)
    xp.subtract(param, step, param)


@list_kernel("rprop_step")
def rprop(
    params: Any,
    grads: Any,
    prevs: Any,
    step_sizes: Any,
    etaminus: Any,
    etaplus: Any,
    step_size_min: Any,
    step_size_max: Any,
    maximize: bool,
) -> Any:
    constants = (1 - etaminus, etaplus - 1, step_size_min, step_size_max)
    lists = (params, grads, prevs, step_sizes)
    return update, lists, [constants] * len(params), maximize
