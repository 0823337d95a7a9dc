"""Array kernels of look-ups that are summed up by bag."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_nn.kernels.embedding import add_rows
from lamella_nn.kernels.groups import sum_groups
from lamella_nn.kernels.precision import compute_type

# Elements that are gathered at a time on the CPU.
_BLOCK = 131072


def _bounds(xp: Any, indices: Any, offsets: Any, include_last_offset: bool) -> tuple[Any, Any]:
    """Where each bag starts, and how many indices it has."""
    if offsets is None:
        bags, length = indices.shape
        return xp.arange(bags) * length, xp.full(bags, length)
    total = indices.size
    if offsets.size:
        if int(offsets[0]) != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
                f"from position 0. However, got {int(offsets[0])}"
            )
        if int(offsets[-1]) > total:
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {total} but got offsets[-1] "
                f"of {int(offsets[-1])}"
            )
        if bool((offsets[1:] < offsets[:-1]).any()):
            raise RuntimeError(
                "embedding_bag: offsets must not fall, a bag ends where the next one starts; got "
                f"{offsets.tolist()}"
            )
    if include_last_offset:
        starts, ends = offsets[:-1], offsets[1:]
    else:
        starts = offsets
        ends = xp.concatenate([offsets[1:], xp.full(min(offsets.size, 1), total, offsets.dtype)])
    return starts, ends - starts


def _bag_of(xp: Any, lengths: Any) -> Any:
    """The bag that each index belongs to. (CuPy's ``repeat`` takes no array of lengths.)"""
    return xp.searchsorted(xp.cumsum(lengths), xp.arange(int(lengths.sum())), side="right")


def _counts(xp: Any, flat: Any, lengths: Any, padding_idx: int) -> Any:
    """What a bag's mean divides by."""
    if padding_idx >= 0:
        kept = flat[: int(lengths.sum())] != padding_idx
        lengths = xp.bincount(_bag_of(xp, lengths)[kept], minlength=lengths.size)
    return xp.maximum(lengths, 1)


def _check_rows(xp: Any, indices: Any, rows: int) -> None:
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= rows):
        flat = indices.reshape(-1)
        place = int(xp.flatnonzero((flat < 0) | (flat >= rows))[0])
        raise RuntimeError(
            f"Index {place} of input takes value {int(flat[place])} which is not in the valid "
            f"range [0, {rows})"
        )


@shared_kernel
def embedding_bag(
    xp: Any,
    weight: Any,
    indices: Any,
    offsets: Any,
    per_sample_weights: Any,
    mode: str,
    padding_idx: int,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
    sparse: bool,
) -> tuple[Any, Any]:
    _check_rows(xp, indices, weight.shape[0])
    starts, lengths = _bounds(xp, indices, offsets, include_last_offset)
    flat = indices.reshape(-1)
    if mode == "max":
        return _largest(xp, weight, flat, starts, lengths, padding_idx)
    if offsets is None and per_sample_weights is None and padding_idx < 0:
        total = _row_sums(xp, weight, indices)
    else:
        used = flat[: int(lengths.sum())]
        factors = None
        if per_sample_weights is not None:
            factors = per_sample_weights.reshape(-1)[: used.size]
        if padding_idx >= 0:
            kept = used != padding_idx
            lengths = xp.bincount(_bag_of(xp, lengths)[kept], minlength=lengths.size)
            starts = xp.cumsum(lengths) - lengths
            used, factors = used[kept], None if factors is None else factors[kept]
        total = sum_groups(xp, weight, used, starts, lengths, factors)
    if mode == "mean":
        total /= xp.maximum(lengths, 1)[:, None].astype(total.dtype)
    return converted(total, weight.dtype), xp.empty(0, xp.int64)


def _row_sums(xp: Any, weight: Any, indices: Any) -> Any:
    """The sums of the rows of bags of one length, some bags at a time."""
    bags, length = indices.shape
    kind = compute_type(weight.dtype)
    step = max(1, _BLOCK // max(length * weight.shape[1], 1))
    if xp is not np or bags <= step:
        return weight.take(indices, 0).sum(1, dtype=kind)
    total = np.empty((bags, weight.shape[1]), kind)
    for start in range(0, bags, step):
        part = slice(start, start + step)
        weight.take(indices[part], 0).sum(1, dtype=kind, out=total[part])
    return total


def _largest(
    xp: Any, weight: Any, flat: Any, starts: Any, lengths: Any, padding_idx: int
) -> tuple[Any, Any]:
    """Maxima and their rows: in step over all bags, one index of each at a time."""
    best = xp.zeros((lengths.size, weight.shape[1]), weight.dtype)
    chosen = xp.full(best.shape, -1, xp.int64)
    for part in _parts(xp, *best.shape):
        given = flat, starts[part], lengths[part], padding_idx
        _choose_largest(xp, weight, *given, best[part], chosen[part])
    return best, chosen


def _parts(xp: Any, bags: int, features: int) -> list[slice]:
    """Bags that are worked on together: all of them but on the CPU."""
    step = max(1, _BLOCK // 8 // max(features, 1)) if xp is np else max(bags, 1)
    return [slice(start, start + step) for start in range(0, bags, step)]


def _choose_largest(
    xp: Any,
    weight: Any,
    flat: Any,
    starts: Any,
    lengths: Any,
    padding_idx: int,
    best: Any,
    chosen: Any,
) -> None:
    for step in range(int(lengths.max()) if lengths.size else 0):
        bags = xp.flatnonzero(lengths > step)
        rows = flat[starts[bags] + step]
        if padding_idx >= 0:
            kept = rows != padding_idx
            bags, rows = bags[kept], rows[kept]
        values, before = weight.take(rows, 0), best[bags]
        better = (values > before) | (chosen[bags] < 0) | (values != values)
        best[bags] = xp.where(better, values, before)
        chosen[bags] = xp.where(better, rows[:, None], chosen[bags])


@shared_kernel
def embedding_bag_backward(
    xp: Any,
    grad_output: Any,
    indices: Any,
    offsets: Any,
    per_sample_weights: Any,
    chosen: Any,
    rows: int,
    mode: str,
    padding_idx: int,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
) -> Any:
    if mode == "max":
        features = grad_output.shape[1]
        total = xp.zeros(rows * features, grad_output.dtype)
        for part in _parts(xp, *grad_output.shape):
            bag, column = xp.nonzero(chosen[part] >= 0)
            places = chosen[part][bag, column] * features + column
            xp.add.at(total, places, grad_output[part][bag, column])
        return total.reshape(rows, features)
    _, lengths = _bounds(xp, indices, offsets, include_last_offset)
    flat = indices.reshape(-1)
    bag_of = _bag_of(xp, lengths)
    factors = None
    if per_sample_weights is not None:
        factors = per_sample_weights.reshape(-1)[: bag_of.size]
    if mode == "mean":
        counts = _counts(xp, flat, lengths, padding_idx)
        if grad_output.size <= _BLOCK:
            grad_output = grad_output / counts[:, None].astype(grad_output.dtype)
        else:
            factors = (1 / counts)[bag_of]
    used = flat[: bag_of.size]
    return add_rows(xp, grad_output, bag_of, used, rows, padding_idx, scale_grad_by_freq, factors)
