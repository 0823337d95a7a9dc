"""Array kernels of the losses on margins, some examples and classes at a time.

A violation that is not above 0 has slope 0, and one that is NaN counts for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.dispatch import shared_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scores that are looked at together on the CPU.
_BLOCK = 49152


def _parts(xp: Any, count: int, width: int) -> list[slice]:
    """Slices of ``count`` rows, of each of which ``width`` numbers are looked at."""
    step = max(_BLOCK // max(width, 1), 1) if xp is np else max(count, 1)
    return [slice(start, start + step) for start in range(0, count, step)]


def _violations(
    xp: Any, scores: Any, target: Any, margin: float
) -> Iterator[tuple[slice, slice, Any]]:
    """By how much classes violate the margin, 0 for the target itself: part by part."""
    count, classes = scores.shape
    lowest = margin - scores[xp.arange(count), target][:, None]
    for columns in _parts(xp, classes, 1):
        for rows in _parts(xp, count, min(classes, columns.stop - columns.start)):
            found = lowest[rows] + scores[rows, columns]
            found = xp.fmax(found, 0, found)
            place = target[rows] - columns.start
            (here,) = xp.nonzero((place >= 0) & (place < found.shape[1]))
            found[here, place[here]] = 0
            yield rows, columns, found


def _factor(xp: Any, weight: Any, target: Any, scores: Any) -> Any:
    share = scores.dtype.type(1 / max(scores.shape[1], 1))
    return share if weight is None else (weight[target] * share).astype(scores.dtype, copy=False)


@shared_kernel
def multi_margin(xp: Any, input: Any, target: Any, weight: Any, p: int, margin: float) -> Any:
    losses = xp.zeros(len(input), input.dtype)
    for rows, _, found in _violations(xp, input, target, margin):
        if p == 2:
            found *= found
        losses[rows] += found.sum(1)
    losses *= _factor(xp, weight, target, input)
    return losses


@shared_kernel
def multi_margin_backward(
    xp: Any, grad_output: Any, input: Any, target: Any, weight: Any, p: int, margin: float
) -> Any:
    factor = grad_output * _factor(xp, weight, target, input)
    factor = (factor * p).astype(input.dtype, copy=False)[:, None]
    result = xp.empty(input.shape, input.dtype)
    total = xp.zeros(len(input), input.dtype)
    for rows, columns, found in _violations(xp, input, target, margin):
        slope = (found > 0).astype(input.dtype) if p == 1 else found
        slope *= factor[rows]
        total[rows] += slope.sum(1)
        result[rows, columns] = slope
    result[xp.arange(len(input)), target] = -total
    return result


def _labels(xp: Any, target: Any) -> tuple[Any, Any]:
    """How many labels each example has, and which of its classes they are."""
    rows, classes = target.shape
    ends = target < 0
    counts = xp.where(ends.any(1), ends.argmax(1), classes)
    counted = xp.arange(classes) < counts[:, None]
    labels = xp.zeros((rows, classes + 1), bool)
    labels[xp.arange(rows)[:, None], xp.where(counted, target, classes)] = True
    return counts, labels[:, :classes]


def _label_violations(xp: Any, scores: Any, target: Any) -> Iterator[tuple[Any, Any, Any]]:
    """For each place of a label: which examples have one there, the label, and by how much the
    classes that are no labels violate its margin."""
    counts, labels = _labels(xp, target)
    for j in range(int(counts.max()) if counts.size else 0):
        (rows,) = xp.nonzero(counts > j)
        label = target[rows, j]
        found = scores[rows]
        found += 1 - scores[rows, label][:, None]
        found = xp.fmax(found, 0, found)
        found[labels[rows]] = 0
        yield rows, label, found


@shared_kernel
def multilabel_margin(xp: Any, input: Any, target: Any) -> Any:
    count, classes = input.shape
    losses = xp.zeros(count, input.dtype)
    for part in _parts(xp, count, classes):
        here = losses[part]
        for rows, _, found in _label_violations(xp, input[part], target[part]):
            here[rows] += found.sum(1)
    losses *= input.dtype.type(1 / max(classes, 1))
    return losses


@shared_kernel
def multilabel_margin_backward(xp: Any, grad_output: Any, input: Any, target: Any) -> Any:
    count, classes = input.shape
    result = xp.zeros(input.shape, input.dtype)
    factor = grad_output * input.dtype.type(1 / max(classes, 1))
    for part in _parts(xp, count, classes):
        here, scale = result[part], factor[part]
        for rows, label, found in _label_violations(xp, input[part], target[part]):
            slope = (found > 0).astype(input.dtype)
            slope *= scale[rows, None]
            here[rows] += slope
            here[rows, label] -= slope.sum(1)
    return result
