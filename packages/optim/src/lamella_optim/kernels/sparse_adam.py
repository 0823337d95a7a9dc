"""SparseAdam: Adam for the elements that a sparse gradient has."""

from __future__ import annotations

from math import sqrt
from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel("sparse_adam_step")
def sparse_adam(
    xp: Any,
    params: Any,
    indices: Any,
    values: Any,
    exp_avgs: Any,
    exp_avg_sqs: Any,
    steps: Any,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    maximize: bool,
) -> None:
    for param, coordinates, grad, exp_avg, exp_avg_sq, step in zip(
        params, indices, values, exp_avgs, exp_avg_sqs, steps, strict=True
    ):
        place = tuple(coordinates)
        if maximize:
            grad = -grad
        mean = exp_avg[place]
        mean += (1 - beta1) * (grad - mean)
        square = exp_avg_sq[place]
        square += (1 - beta2) * (grad * grad - square)
        exp_avg[place] = mean
        exp_avg_sq[place] = square
        size = lr * sqrt(1 - beta2**step) / (1 - beta1**step)
        param[place] -= size * mean / (xp.sqrt(square) + eps)
