"""Array kernels of the classification losses: one pass forward, one pass back.

Inputs are ``(classes,)`` or ``(batch, classes, *places)``; inside they are
``(batch, classes, places)``. ``reduction`` is ``"none"``, ``"mean"`` or ``"sum"``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import shared_kernel
from lamella_core.kernels.gathering import largest
from lamella_core.kernels.reduction import extremum
from lamella_core.kernels.reduction import sum as row_sum

# Places of targets that are gone through at a time on the CPU.
_PLACES = 16384


def as_three(input: Any) -> Any:
    """``(batch, classes, places)``."""
    if input.ndim == 1:
        return input.reshape(1, -1, 1)
    batch, classes = input.shape[:2]
    places = 1
    for n in input.shape[2:]:
        places *= n
    return input.reshape(batch, classes, places)


def _valid_targets(xp: Any, target: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """Targets with 0 for the ignored ones, and which are counted (None: all of them)."""
    valid = None
    if target.size:
        low, high = int(target.min()), int(target.max())
        if low <= ignore_index <= high:
            valid = target != ignore_index
            if not valid.all():
                target = xp.where(valid, target, 0)
                low, high = int(target.min()), int(target.max())
            else:
                valid = None
        if low < 0 or high >= classes:
            wrong = low if low < 0 else high
            raise IndexError(
                f"Target {wrong} is out of bounds. (the input has {classes} classes, so targets "
                f"lie between 0 and {classes - 1}, or are ignore_index={ignore_index})"
            )
    return target.astype(xp.intp, copy=False), valid


def _target_weights(xp: Any, weight: Any, target: Any, valid: Any, dtype: Any) -> Any:
    """The weight of each target; None where all are 1."""
    if weight is None:
        return None if valid is None else valid.astype(dtype)
    weights = weight[target]
    return weights if valid is None else xp.where(valid, weights, 0).astype(dtype, copy=False)


def _hit(xp: Any, factor: Any, weights: Any, valid: Any, shape: tuple[int, int]) -> Any:
    """Each target's part of the gradient; of ignored ones 0, also where the loss is 0/0."""
    hit = factor if weights is None else factor * weights
    if valid is not None:
        hit = xp.where(valid, hit, 0).astype(factor.dtype, copy=False)
    return xp.broadcast_to(hit, shape)


def _pick(xp: Any, input: Any, target: Any) -> Any:
    """``input[n, target[n, l], l]`` as ``(batch, places)``."""
    if input.shape[2] == 1:
        return input[xp.arange(input.shape[0]), target[:, 0], 0][:, None]
    return xp.take_along_axis(input, target[:, None], 1)[:, 0]


def _add_at_target(xp: Any, array: Any, target: Any, values: Any) -> None:
    rows = xp.arange(array.shape[0])
    if array.shape[2] == 1:
        array[rows, target[:, 0], 0] += values[:, 0]
    else:
        array[rows[:, None], target, xp.arange(array.shape[2])] += values


def _parts(xp: Any, batch: int, places: int) -> list[tuple[slice, slice]]:
    """Images and places that are gone through together, on the CPU as many as stay in the cache."""
    if xp is not np or batch * places <= _PLACES:
        return [(slice(None), slice(None))]
    images = max(1, _PLACES // places)
    return [
        (slice(image, image + images), slice(first, first + _PLACES))
        for image in range(0, batch, images)
        for first in range(0, places, _PLACES)
    ]


def _reduce(xp: Any, losses: Any, reduction: str, total: Any, shape: tuple[int, ...]) -> Any:
    if reduction == "none":
        return losses.reshape(shape)
    summed = losses.sum()
    return summed / total if reduction == "mean" else summed


def plain_rows(
    xp: Any, input: Any, target: Any, weight: Any, label_smoothing: float, total: Any = None
) -> Any:
    """The flat positions of the targets in ``(batch, classes)`` scores, in the common case.

    None when there are weights, smoothing, further dimensions, no rows, or targets that are
    ignored or out of range: those take the general way.

    Args:
        total: the number of targets that the forward pass counted. Where it is all of them, each is
            a class, and none has to be looked at again.
    """
    if input.ndim != 2 or weight is not None or label_smoothing or not target.size:
        return None
    batch, classes = input.shape
    if target.dtype != xp.int64:
        return None
    if (total is None or int(total) != target.size) and largest(target) >= classes:
        return None
    rows = xp.arange(0, batch * classes, classes)
    rows += target
    return rows


@shared_kernel
def cross_entropy_index(
    xp: Any,
    input: Any,
    target: Any,
    weight: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Any, Any, Any]:
    picked = plain_rows(xp, input, target, weight, label_smoothing)
    if picked is not None and ignore_index < 0 and reduction != "none":
        shifted = xp.subtract(input, extremum(xp, "max", input, 1, True))
        probabilities = xp.exp(shifted)
        normalizer = row_sum(xp, probabilities, 1, True)
        probabilities /= normalizer
        losses = xp.log(normalizer).reshape(-1)
        losses -= shifted.take(picked)
        loss = xp.add.reduce(losses)
        count = target.size
        total = xp.asarray(count, input.dtype)
        return (loss / count if reduction == "mean" else loss), probabilities, total
    rest = reduction, ignore_index, label_smoothing
    return any_cross_entropy(xp, input, target, weight, *rest)


def _class_losses(
    xp: Any, scores: Any, target: Any, weight: Any, label_smoothing: float, out: Any
) -> tuple[Any, Any, Any]:
    """Probabilities, ``-log p`` of the targets, and its weighted sum over all classes.

    The last is None unless labels are smoothed. Targets are ``(batch, places)``.
    """
    classes = scores.shape[1]
    shifted = scores - (extremum(xp, "max", scores, 1, True) if scores.size else scores[:, :1])
    probabilities = xp.exp(shifted, out=out)
    normalizer = probabilities.sum(1, keepdims=True)
    probabilities /= normalizer
    logarithm = xp.log(normalizer, out=normalizer)[:, 0]
    losses = _pick(xp, shifted, target)
    xp.subtract(logarithm, losses, out=losses)
    if not label_smoothing:
        return probabilities, losses, None
    if weight is None:
        return probabilities, losses, classes * logarithm - shifted.sum(1)
    shifted *= weight[:, None]
    return probabilities, losses, weight.sum() * logarithm - shifted.sum(1)


def any_cross_entropy(
    xp: Any,
    input: Any,
    target: Any,
    weight: Any,
    reduction: str,
    ignore_index: int | None,
    label_smoothing: float,
    out: Any = None,
) -> tuple[Any, Any, Any]:
    """``cross_entropy_index`` of some of the batch, of whose targets any may count.

    Args:
        ignore_index: None where the targets are known to be classes that all count.
        out: where the probabilities go, as ``(batch, classes, places)``; may be the input.
    """
    shape, scores = target.shape, as_three(input)
    batch, classes, places = scores.shape
    target, valid = target.reshape(batch, places), None
    if ignore_index is not None:
        target, valid = _valid_targets(xp, target, classes, ignore_index)
    probabilities, losses, even = _class_losses(xp, scores, target, weight, label_smoothing, out)
    dtype = losses.dtype
    weights = _target_weights(xp, weight, target, valid, dtype)
    if weights is not None:
        losses *= weights
    if label_smoothing:
        if valid is not None:
            even = xp.where(valid, even, 0)
        losses = (1 - label_smoothing) * losses + (label_smoothing / classes) * even
    total = xp.asarray(target.size, dtype) if weights is None else weights.sum()
    loss = _reduce(xp, losses, reduction, total, shape)
    return loss.astype(input.dtype, copy=False), probabilities.reshape(input.shape), total


@shared_kernel
def cross_entropy_index_backward(
    xp: Any,
    grad: Any,
    probabilities: Any,
    target: Any,
    weight: Any,
    total: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Any:
    picked = None
    if ignore_index < 0 and reduction != "none":
        picked = plain_rows(xp, probabilities, target, weight, label_smoothing, total)
    if picked is not None:
        factor = grad / total if reduction == "mean" else grad
        result = xp.multiply(probabilities, factor)
        result.reshape(-1)[picked] -= factor
        return result
    rest = reduction, ignore_index, label_smoothing
    return any_cross_entropy_backward(xp, grad, probabilities, target, weight, total, *rest)


def any_cross_entropy_backward(
    xp: Any,
    grad: Any,
    probabilities: Any,
    target: Any,
    weight: Any,
    total: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Any:
    """``cross_entropy_index_backward`` of some of the batch, of whose targets any may count."""
    scores = as_three(probabilities)
    batch, classes, places = scores.shape
    dtype = scores.dtype
    target, valid = _valid_targets(xp, target.reshape(batch, places), classes, ignore_index)
    weights = _target_weights(xp, weight, target, valid, dtype)
    if reduction == "none":
        factor = grad.reshape(batch, places)
    else:
        factor = grad / total if reduction == "mean" else grad
    factor = factor.astype(dtype, copy=False)
    hit = _hit(xp, factor, weights, valid, (batch, places))
    if not label_smoothing:
        result = scores * hit[:, None]
        _add_at_target(xp, result, target, -hit)
        return result.reshape(probabilities.shape)
    hit = hit * dtype.type(1 - label_smoothing)
    even = factor if valid is None else xp.where(valid, factor, 0)
    even = xp.broadcast_to(even * dtype.type(label_smoothing / classes), (batch, places))
    if weight is None:
        result = scores * (hit + classes * even)[:, None]
        result -= even[:, None]
    else:
        result = scores * (hit + weight.sum() * even)[:, None]
        result -= even[:, None] * weight[:, None]
    _add_at_target(xp, result, target, -hit)
    return result.reshape(probabilities.shape).astype(dtype, copy=False)


@shared_kernel
def nll_loss_index(
    xp: Any, input: Any, target: Any, weight: Any, reduction: str, ignore_index: int
) -> tuple[Any, Any]:
    shape = target.shape
    picked = plain_rows(xp, input, target, weight, 0.0)
    if picked is not None and ignore_index < 0:
        chosen, count = input.take(picked), target.size
        total = xp.asarray(count, input.dtype)
        if reduction == "none":
            return -chosen, total
        summed = xp.add.reduce(chosen)
        return summed / -count if reduction == "mean" else -summed, total
    scores = as_three(input)
    batch, classes, places = scores.shape
    target = target.reshape(batch, places)
    losses = xp.empty((batch, places), input.dtype) if reduction == "none" else None
    sums, totals = [], []
    for images, some in _parts(xp, batch, places):
        given = target[images, some], classes, ignore_index
        chosen, valid = _valid_targets(xp, *given)
        part = _pick(xp, scores[images, :, some], chosen)
        part = xp.negative(part, part)
        weights = _target_weights(xp, weight, chosen, valid, input.dtype)
        if weights is not None:
            part *= weights
            if valid is not None:
                # An ignored infinite score would turn into NaN by its weight 0.
                part = xp.where(valid, part, 0)
        totals.append(xp.asarray(part.size, input.dtype) if weights is None else weights.sum())
        if losses is None:
            sums.append(part.sum())
        else:
            losses[images, some] = part
    total = sum(totals[1:], totals[0])
    if losses is None:
        summed = sum(sums[1:], sums[0])
        loss = summed / total if reduction == "mean" else summed
    else:
        loss = losses.reshape(shape)
    return loss.astype(input.dtype, copy=False), xp.asarray(total)


@shared_kernel
def nll_loss_index_backward(
    xp: Any,
    grad: Any,
    target: Any,
    weight: Any,
    total: Any,
    sizes: tuple[int, ...],
    reduction: str,
    ignore_index: int,
) -> Any:
    result = xp.zeros(sizes, grad.dtype)
    scores = as_three(result)
    batch, classes, places = scores.shape
    target = target.reshape(batch, places)
    each = reduction == "none"
    factor = grad.reshape(batch, places) if each else grad / total if reduction == "mean" else grad
    for images, some in _parts(xp, batch, places):
        chosen, valid = _valid_targets(xp, target[images, some], classes, ignore_index)
        weights = _target_weights(xp, weight, chosen, valid, grad.dtype)
        here = factor[images, some] if each else factor
        hit = _hit(xp, here, weights, valid, chosen.shape)
        _add_at_target(xp, scores[images, :, some], chosen, -hit)
    return result
