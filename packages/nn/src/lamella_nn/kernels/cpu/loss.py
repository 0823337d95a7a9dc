"""Cross entropy on the CPU, some rows at a time, spread over threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import register_kernel
from lamella_core.kernels.reduction import extremum
from lamella_core.parallel import even_step, shares, spread
from lamella_nn.kernels import loss as whole
from lamella_nn.kernels.precision import compute_type, put, single

_BLOCK = 65536
# Below this size, one pass over the whole takes less time than the calls that blocks take.
_SMALL = 131072


def _cuts(batch: int, classes: int, places: int) -> list[tuple[slice, ...]]:
    """Parts of ``(batch, classes, places)`` scores, with all classes."""
    if batch > 1 and classes * places <= _BLOCK:
        step = even_step(batch, max(1, _BLOCK // max(classes * places, 1)))
        return [(slice(n, n + step),) for n in range(0, batch, step)]
    step = max(1, _BLOCK // classes)
    return [
        (slice(n, n + 1), slice(None), slice(place, place + step))
        for n in range(batch)
        for place in range(0, places, step)
    ]


def _in_parts(
    input: Any, target: Any, weight: Any, reduction: str, ignore_index: int, label_smoothing: float
) -> tuple[Any, Any, Any]:
    """As ``any_cross_entropy``, some scores at a time, of half precision in float32."""
    scores = whole.as_three(input)
    batch, classes, places = scores.shape
    wide = compute_type(scores.dtype)
    weight = None if weight is None else converted(weight, wide)
    targets = target.reshape(batch, places)
    probabilities = np.empty(input.shape, input.dtype)
    into = whole.as_three(probabilities)
    losses = np.empty((batch, places), input.dtype) if reduction == "none" else None
    low, high = (int(target.min()), int(target.max())) if target.size else (0, 0)
    all_count = 0 <= low and high < classes and not low <= ignore_index <= high
    ignored = None if all_count else ignore_index
    rest = "sum" if losses is None else "none", ignored, label_smoothing
    cuts = _cuts(batch, classes, places)
    # Each part's loss and weight, in double precision.
    sums = np.zeros((2, len(cuts)))

    def run(number: int) -> None:
        part = cuts[number]
        outer, place = (part[0], *part[2:]), into[part]
        some = converted(scores[part], wide)
        # What half precision is widened into is written over.
        out = place if wide == place.dtype else some
        given = some, targets[outer], weight
        loss, _, sums[1, number] = whole.any_cross_entropy(np, *given, *rest, out)
        if out is some:
            put(place, some)
        if losses is None:
            sums[0, number] = loss
        else:
            put(losses[outer], loss)

    spread(run, range(len(cuts)))
    loss, total = sums.sum(1)
    if losses is not None:
        loss = losses.reshape(target.shape)
    elif reduction == "mean":
        loss /= total
    return np.asarray(loss, input.dtype), probabilities, np.asarray(total, wide)


def cross_entropy_index(
    input: Any,
    target: Any,
    weight: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Any, Any, Any]:
    rest = reduction, ignore_index, label_smoothing
    if input.size < _SMALL:
        if input.dtype.itemsize > 2:
            return whole.cross_entropy_index(np, input, target, weight, *rest)
        loss, wide, total = whole.cross_entropy_index(
            np, single(input), target, single(weight), *rest
        )
        return converted(loss, input.dtype), converted(wide, input.dtype), total
    picked = None
    if ignore_index < 0 and input.dtype.itemsize > 2:
        picked = whole.plain_rows(np, input, target, weight, label_smoothing)
    if picked is None:
        return _in_parts(input, target, weight, *rest)
    count, classes = input.shape
    dtype = input.dtype
    probabilities = np.empty((count, classes), dtype)
    normalizer, chosen = np.empty((2, count), dtype)
    step = even_step(count, max(1, _BLOCK // classes))

    def run(starts: range) -> None:
        spare = np.empty((step, classes), dtype)
        for start in starts:
            rows = slice(start, start + step)
            scores, exponents = input[rows], probabilities[rows]
            shifted = spare[: len(scores)]
            np.subtract(scores, extremum(np, "max", scores, 1, True), shifted)
            np.take(shifted, picked[rows] - start * classes, None, chosen[rows])
            np.exp(shifted, exponents)
            total = np.add.reduce(exponents, 1, None, normalizer[rows])
            np.divide(exponents, total[:, None], exponents)

    spread(run, shares(count, step))
    total = np.asarray(count, dtype)
    logarithms = np.log(normalizer)
    if reduction == "none":
        return logarithms - chosen, probabilities, total
    loss = np.add.reduce(logarithms) - np.add.reduce(chosen)
    return (loss / count if reduction == "mean" else loss), probabilities, total


def cross_entropy_index_backward(
    grad: Any,
    probabilities: Any,
    target: Any,
    weight: Any,
    total: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Any:
    rest = reduction, ignore_index, label_smoothing
    is_half = probabilities.dtype.itemsize == 2
    if not is_half and (probabilities.size < _SMALL or weight is None or not label_smoothing):
        return whole.cross_entropy_index_backward(
            np, grad, probabilities, target, weight, total, *rest
        )
    if is_half:
        grad, weight = single(grad), single(weight)
    if probabilities.size < _SMALL:
        wide = single(probabilities)
        result = whole.cross_entropy_index_backward(np, grad, wide, target, weight, total, *rest)
        return converted(result, probabilities.dtype)
    result = np.empty_like(probabilities, order="C")
    scores, into = whole.as_three(probabilities), whole.as_three(result)
    batch, classes, places = scores.shape
    target = target.reshape(batch, places)
    if reduction == "none":
        grad = grad.reshape(batch, places)

    def run(part: tuple[slice, ...]) -> None:
        outer = (part[0], *part[2:])
        given = grad[outer] if reduction == "none" else grad, single(scores[part]), target[outer]
        found = whole.any_cross_entropy_backward(np, *given, weight, total, *rest)
        put(into[part], found)

    spread(run, _cuts(batch, classes, places))
    return result


_kernels: tuple[Any, ...] = (cross_entropy_index, cross_entropy_index_backward)
for _kernel in _kernels:
    _kernel.reduced_precision = True
    register_kernel(_kernel.__name__, _kernel, "cpu")
