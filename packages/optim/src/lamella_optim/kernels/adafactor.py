"""Adafactor: steps scaled by second moments that are kept as a product of two vectors."""

from __future__ import annotations

from math import sqrt
from typing import Any

from lamella_core import dtype as dtypes
from lamella_core.dispatch import shared_kernel
from lamella_core.type_info import finfo


def _move(average: Any, value: Any, share: float) -> None:
    """``average += share * (value - average)``, in place."""
    average += share * (value - average)


def _mean_square(array: Any, axis: int | None = None) -> Any:
    return (array * array).mean(axis, keepdims=axis is not None)


def _factored(
    xp: Any, square_share: float, grad: Any, row_var: Any, col_var: Any, eps1: float
) -> Any:
    """The second moments as rows times columns over the mean of the rows."""
    _move(row_var, _mean_square(grad, -1), square_share)
    _move(col_var, _mean_square(grad, -2), square_share)
    estimate = row_var * col_var
    estimate /= xp.maximum(row_var.mean(-2, keepdims=True), eps1)
    return estimate


@shared_kernel("adafactor_step")
def adafactor(
    xp: Any,
    params: Any,
    grads: Any,
    row_vars: Any,
    col_vars: Any,
    variances: Any,
    steps: Any,
    lr: float,
    beta2_decay: float,
    eps1: float | None,
    eps2: float,
    d: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    for i, (param, grad, step) in enumerate(zip(params, grads, steps, strict=True)):
        if not param.size:
            continue
        least = finfo(dtypes.OF_NUMPY[param.dtype]).eps if eps1 is None else eps1
        if maximize:
            grad = -grad
        share = step**beta2_decay
        size = float(sqrt(_mean_square(param)))
        rate = max(eps2, size) * min(lr, 1 / sqrt(step))
        if weight_decay:
            param *= 1 - lr * weight_decay
        if variances:
            variance = variances[i]
            _move(variance, grad * grad, share)
            update = xp.maximum(variance, least * least)
        else:
            update = _factored(xp, share, grad, row_vars[i], col_vars[i], least)
            xp.maximum(update, least * least, out=update)
        update = grad / xp.sqrt(update)
        clip = max(1.0, float(sqrt(_mean_square(update))) / d)
        param -= (rate / clip) * update
