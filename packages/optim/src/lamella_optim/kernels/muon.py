"""Muon: momentum whose singular values are drawn to 1."""

from __future__ import annotations

from math import sqrt
from typing import Any

from lamella_core.dispatch import shared_kernel


def as_bfloat16(xp: Any, array: Any) -> Any:
    """float32 values rounded to those that bfloat16 has, to the nearest, ties to even."""
    bits = array.astype(xp.float32).view(xp.uint32)
    bits += ((bits >> 16) & 1) + xp.uint32(0x7FFF)
    bits &= xp.uint32(0xFFFF0000)
    return bits.view(xp.float32)


def orthogonalized(
    xp: Any, matrix: Any, coefficients: tuple[float, float, float], eps: float, rounds: int
) -> Any:
    """The matrix with its singular values drawn towards 1, by Newton-Schulz iterations.

    With A = X Xᵀ, a round is ``X = a X + (b A + c A²) X``. It is computed in bfloat16, as the
    method is published: each product is rounded once.
    """
    a, b, c = coefficients
    x = as_bfloat16(xp, matrix)
    turned = x.shape[0] > x.shape[1]
    if turned:
        x = x.T
    norm = as_bfloat16(xp, xp.sqrt((x * x).sum()).reshape(1))
    x = as_bfloat16(xp, x / xp.maximum(norm, as_bfloat16(xp, xp.full(1, eps))))
    for _ in range(rounds):
        gram = as_bfloat16(xp, x @ x.T)
        polynomial = as_bfloat16(xp, b * gram + c * (gram @ gram))
        x = as_bfloat16(xp, a * x + polynomial @ x)
    return x.T if turned else x


@shared_kernel("muon_step")
def muon(
    xp: Any,
    params: Any,
    grads: Any,
    momentum_buffers: Any,
    lr: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    coefficients: tuple[float, float, float],
    eps: float,
    rounds: int,
    match_rms: bool,
) -> None:
    for param, grad, buffer in zip(params, grads, momentum_buffers, strict=True):
        buffer += (1 - momentum) * (grad - buffer)
        update = grad + momentum * (buffer - grad) if nesterov else buffer
        update = orthogonalized(xp, update, coefficients, eps, rounds)
        rows, columns = param.shape
        ratio = 0.2 * sqrt(max(rows, columns)) if match_rms else sqrt(max(1, rows / columns))
        param *= 1 - lr * weight_decay
        param -= (lr * ratio) * update.astype(param.dtype)
