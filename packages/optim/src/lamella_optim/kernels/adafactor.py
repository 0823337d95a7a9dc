"""Adafactor: steps scaled by second moments that are kept as a product of two vectors."""

from __future__ import annotations

from math import sqrt
from string import ascii_letters
from typing import Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.dispatch import shared_kernel
from lamella_core.parallel import spread
from lamella_core.type_info import finfo
from lamella_optim.kernels.lists import PARALLEL, blocks_of, in_kind, scratch_pair


def _move(average: Any, value: Any, share: float) -> None:
    """``average += share * (value - average)``, in place; ``value`` is written over."""
    value -= average
    value *= share
    average += value


def _sum_of_squares(xp: Any, array: Any) -> float:
    """Without an array of the squares."""
    axes = ascii_letters[: array.ndim]
    return float(xp.einsum(f"{axes},{axes}->", array, array))


def _row(index: Any) -> Any:
    """Where the row moments of a block are."""
    return index[:-1]


def _column(index: Any) -> Any:
    return (*index[:-2], slice(None), index[-1])


def _move_moments(
    xp: Any, param: Any, grad: Any, moments: Any, share: float, blocks: Any, kind: Any
) -> float:
    """Moves the moments towards the squares of the gradient.

    Returns:
        The sum of the parameter's squares.
    """
    factored = len(moments) == 2
    means = [xp.zeros_like(moment) for moment in moments] if factored else []
    total = 0.0
    for index in blocks:
        part = param[index]
        first, second = scratch_pair(xp, part.shape, kind)
        total += _sum_of_squares(xp, in_kind(part, second))
        part = in_kind(grad[index], second)
        square = xp.multiply(part, part, first)
        if factored:
            means[0][_row(index)] += square.sum(-1, keepdims=True)
            means[1][_column(index)] += square.sum(-2, keepdims=True)
        else:
            _move(moments[0][index], square, share)
    for moment, mean, axis in zip(moments, means, (-1, -2), strict=False):
        mean /= grad.shape[axis]
        _move(moment, mean, share)
    return total


def _scaled(xp: Any, grad: Any, factors: Any, least: float | None, index: Any, scratch: Any) -> Any:
    """A block of the gradient over the root of its second moments, in the first scratch array.

    Args:
        factors: the second moments, or the roots of their two factors: a product of roots is
            cheaper than the root of a product.
        least: the least root, or None where none is less.
    """
    first, second = scratch
    if len(factors) == 2:
        root = xp.multiply(factors[0][_row(index)], factors[1][_column(index)], first)
    else:
        root = xp.sqrt(factors[0][index], first)
    if least is not None:
        root = xp.maximum(root, least, out=first)
    return xp.divide(in_kind(grad[index], second), root, first)


def _step(xp: Any, param: Any, grad: Any, states: Any, share: float, options: Any) -> None:
    """One parameter's step. Half precision is computed in float32 and rounded at the end.

    The scaled gradient of a parameter in several blocks is computed twice, for its size and for the
    step, so that no array of the parameter's size is needed.
    """
    most, eps1, eps2, d, shrink, sign = options
    if not param.ndim:
        param, grad = param.reshape(1), grad.reshape(1)
        states = [state.reshape(1) for state in states]
    half = param.dtype.itemsize == 2
    moments = [state.astype(xp.float32) for state in states] if half else states
    kind = xp.float32 if half else param.dtype
    blocks = blocks_of(xp, param)
    total = _move_moments(xp, param, grad, moments, share, blocks, kind)
    if half:
        for state, moment in zip(states, moments, strict=True):
            state[...] = moment
    factors = moments
    least = eps1
    if len(moments) == 2:
        rows, columns = moments
        rows = rows / xp.maximum(rows.mean(-2, keepdims=True), eps1)
        factors = [xp.sqrt(rows), xp.sqrt(columns)]
        # In many blocks the pass that is saved is worth a look at the factors.
        if len(blocks) > 1 and factors[0].min() * factors[1].min() >= eps1:
            least = None
    squares = 0.0
    for index in blocks:
        scratch = scratch_pair(xp, param[index].shape, kind)
        update = _scaled(xp, grad, factors, least, index, scratch)
        squares += _sum_of_squares(xp, update)
    rate = max(eps2, sqrt(total / param.size)) * most
    scale = sign * rate / max(1.0, sqrt(squares / param.size) / d)
    for index in blocks:
        part = param[index]
        if len(blocks) > 1:
            scratch = scratch_pair(xp, part.shape, kind)
            update = _scaled(xp, grad, factors, least, index, scratch)
        second = scratch[1]
        step = xp.multiply(update, scale, update)
        place = in_kind(part, second)
        if shrink != 1:
            place = xp.multiply(place, shrink, second)
        place = xp.subtract(place, step, second if half else part)
        if half:
            part[...] = place


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
    states = [variances] if variances else [row_vars, col_vars]
    sign = -1 if maximize else 1

    def run(each: Any) -> None:
        param, grad, step, *moments = each
        eps = finfo(dtypes.OF_NUMPY[param.dtype]).eps if eps1 is None else eps1
        most = min(lr, 1 / sqrt(step))
        options = (most, eps, eps2, d, 1 - lr * weight_decay, sign)
        _step(xp, param, grad, moments, step**beta2_decay, options)

    work = [each for each in zip(params, grads, steps, *states, strict=True) if each[0].size]
    if xp is np and sum([each[0].size for each in work]) >= PARALLEL:
        # The largest first, so that no thread is left with one at the end.
        spread(run, sorted(work, key=lambda each: -each[0].size))
        return
    for each in work:
        run(each)
