"""Muon: momentum whose singular values are drawn to 1."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_optim.kernels.lists import blocks_of, in_kind, scratch_pair

# Of a float32's bits: how many are dropped, and masks of the rest, made once.
_DROPPED, _LAST_KEPT, _BELOW_HALF, _KEPT = map(np.uint32, (16, 1, 0x7FFF, 0xFFFF0000))


def round_to_bfloat16(
    xp: Any, array: Any, factor: float = 1.0, other: Any = None, share: float = 1.0
) -> None:
    """``array = factor * array + share * other``, rounded as bfloat16 has it, in place.

    Both are contiguous float32 arrays. Rounding is to the nearest, ties to even. ``other`` is
    written over; None stands for zero.
    """
    array = array.reshape(-1)
    for index in blocks_of(xp, array):
        part = array[index]
        if factor != 1:
            xp.multiply(part, factor, part)
        if other is not None:
            term = other.reshape(-1)[index]
            xp.add(part, xp.multiply(term, share, term), part)
        bits = part.view(xp.uint32)
        carry, _ = scratch_pair(xp, bits.shape, xp.uint32)
        xp.right_shift(bits, _DROPPED, carry)
        xp.bitwise_and(carry, _LAST_KEPT, carry)
        xp.add(bits, xp.add(carry, _BELOW_HALF, carry), bits)
        xp.bitwise_and(bits, _KEPT, bits)


def orthogonalized(
    xp: Any,
    x: Any,
    scratch: Any,
    coefficients: tuple[float, float, float],
    least: Any,
    rounds: int,
) -> Any:
    """The matrix with its singular values drawn towards 1, by Newton-Schulz iterations.

    With A = X Xᵀ, a round is ``X = a X + (b A + c A²) X``, of the transposed matrix where that has
    fewer rows. It is computed in bfloat16, as the method is published: each product is rounded
    once.

    Args:
        x: a contiguous float32 matrix; written over.
        scratch: three arrays as ``x``, one of its shape and two square ones of its shorter side.
        least: the least norm, an array of one element.

    Returns:
        ``x`` or the first scratch array.
    """
    a, b, c = coefficients
    y, gram, polynomial = scratch
    tall = x.shape[0] > x.shape[1]
    round_to_bfloat16(xp, x)
    norm = xp.sqrt(xp.multiply(x, x, y).sum()).reshape(1)
    round_to_bfloat16(xp, norm)
    xp.divide(x, xp.maximum(norm, least), x)
    round_to_bfloat16(xp, x)
    for _ in range(rounds):
        xp.matmul(x.T, x, out=gram) if tall else xp.matmul(x, x.T, out=gram)
        round_to_bfloat16(xp, gram)
        xp.matmul(gram, gram, out=polynomial)
        round_to_bfloat16(xp, polynomial, c, gram, b)
        xp.matmul(x, polynomial.T, out=y) if tall else xp.matmul(polynomial, x, out=y)
        round_to_bfloat16(xp, y, 1.0, x, a)
        x, y = y, x
    return x


def _direction(xp: Any, grad: Any, buffer: Any, momentum: float, nesterov: bool, out: Any) -> None:
    """Moves the buffer towards the gradient, and puts what is to be orthogonalized in ``out``.

    As in ``_descend``, half precision is computed in float32 and rounded at the end.
    """
    half = grad.dtype.itemsize == 2
    for index in blocks_of(xp, grad):
        target, old = out[index], buffer[index]
        first, second = scratch_pair(xp, target.shape, xp.float32 if half else grad.dtype)
        slope, old = in_kind(grad[index], first), in_kind(old, second)
        third = target if half else first
        move = xp.multiply(xp.subtract(slope, old, third), 1 - momentum, third)
        moved = xp.add(old, move, old)
        if old is second:
            buffer[index] = moved
        if nesterov:
            ahead = xp.multiply(xp.subtract(moved, slope, third), momentum, third)
            moved = xp.add(slope, ahead, third)
        if moved is not target:
            target[...] = moved


def _descend(xp: Any, param: Any, update: Any, shrink: float, rate: float) -> None:
    """``param = shrink * param - rate * update``."""
    half = param.dtype.itemsize == 2
    for index in blocks_of(xp, param):
        part = param[index]
        first, second = scratch_pair(xp, part.shape, xp.float32 if half else param.dtype)
        step = xp.multiply(in_kind(update[index], first), rate, first)
        place = xp.multiply(in_kind(part, second), shrink, second)
        place = xp.subtract(place, step, second if half else part)
        if half:
            part[...] = place


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
    # The memory of the largest matrix serves for all.
    largest = max([param.size for param in params])
    longest = max([min(param.shape) for param in params])
    memory = [xp.empty(size, xp.float32) for size in (largest, largest, *[longest**2] * 2)]
    least = xp.full(1, eps, xp.float32)
    round_to_bfloat16(xp, least)
    for param, grad, buffer in zip(params, grads, momentum_buffers, strict=True):
        if not param.size:
            continue
        rows, columns = param.shape
        square = (min(rows, columns),) * 2
        shapes = (param.shape, param.shape, square, square)
        x, *scratch = [
            array[: shape[0] * shape[1]].reshape(shape)
            for array, shape in zip(memory, shapes, strict=True)
        ]
        _direction(xp, grad, buffer, momentum, nesterov, x)
        update = orthogonalized(xp, x, scratch, coefficients, least, rounds)
        ratio = 0.2 * sqrt(max(rows, columns)) if match_rms else sqrt(max(1, rows / columns))
        _descend(xp, param, update, 1 - lr * weight_decay, lr * ratio)
