"""Array kernels of scaled dot-product attention, without ever holding all the weights.

Some rows of some heads are taken at a time, such that their scores stay in the processor's cache.
The backward pass computes the weights again, from the maximum and the sum of each row (T. Dao et
al., "FlashAttention", 2022).

Inside, arrays have at least one dimension before the matrices; the last of these is called heads.
Scores are (keys, rows): all products but one then run along contiguous memory.
"""

from __future__ import annotations

from itertools import product as pairs
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy import broadcast_shapes

from lamella_core.backends.numpy_blocks import converted
from lamella_core.dispatch import shared_kernel
from lamella_core.formats import order_of
from lamella_core.parallel import spread
from lamella_nn.kernels.precision import compute_type, put, single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK_BYTES = 1 << 19

# Scores between -30 and 30 need not be shifted by their maximum before exp: no sum of them
# overflows, and none loses digits.
SMALL_SCORE = 30.0


class _Plan(NamedTuple):
    """The dimensions that all operands broadcast to, and how many heads and rows a block has."""

    lead: tuple[int, ...]
    length: int
    keys: int
    heads: int
    rows: int
    causal: bool

    def groups(self) -> Iterator[tuple[Any, ...]]:
        """The index of each group of heads: numbers, and a slice of the last dimension."""
        for position in pairs(*(range(size) for size in self.lead[:-1])):
            for start in range(0, self.lead[-1], self.heads):
                yield (*position, slice(start, min(start + self.heads, self.lead[-1])))

    def blocks(self) -> Iterator[tuple[slice, int]]:
        """The rows of each block, and the number of keys that they see; the last rows first."""
        for start in reversed(range(0, self.length, self.rows)):
            stop = min(start + self.rows, self.length)
            yield slice(start, stop), min(stop, self.keys) if self.causal else self.keys


def _plan(
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    causal: bool,
    most_rows: int,
    threads: int,
    group_bytes: int = _BLOCK_BYTES,
) -> _Plan:
    leads = [each.shape[:-2] for each in (query, key, value, mask) if each is not None]
    lead = broadcast_shapes(*leads) or (1,)
    length, keys = query.shape[-2], key.shape[-2]
    row_bytes = max(keys * compute_type(query.dtype).itemsize, 1)
    # Under a causal mask, few rows of many heads: less is computed that the mask leaves out.
    rows = max(1, min(length, 64 if causal else most_rows, max(32, _BLOCK_BYTES // row_bytes)))
    # At least as many groups of heads as there are threads.
    share = -(-lead[-1] * prod(lead[:-1]) // threads)
    heads = max(1, min(lead[-1], share, group_bytes // (rows * row_bytes)))
    return _Plan(lead, length, keys, heads, rows, causal)


def _part(array: Any, index: tuple[Any, ...]) -> Any:
    """A group of heads of an operand; where it is broadcast, its one entry stands for all."""
    own = array.shape[:-2]
    if not own:
        return array[None]
    index = index[len(index) - len(own) :]
    return array[
        tuple(
            at if size > 1 else (slice(0, 1) if isinstance(at, slice) else 0)
            for at, size in zip(index, own, strict=True)
        )
    ]


def _accumulate(part: Any, block: Any) -> None:
    """Add to a group's gradient, which may be broadcast."""
    part += block if part.shape[0] == block.shape[0] else block.sum(0, keepdims=True)


def _empty_like(xp: Any, array: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Memory in the order of the array's dimensions, where the shapes agree."""
    order = order_of(array.shape, array.strides)
    if array.shape[:-1] != shape[:-1] or order[-1] != array.ndim - 1:
        return xp.empty(shape, dtype)
    back = sorted(range(len(order)), key=order.__getitem__)
    return xp.empty([shape[dim] for dim in order], dtype).transpose(back)


def _rows_of(array: Any) -> Any:
    """The matrices in a form that the BLAS takes: copied, where a row has gaps."""
    return array if array.strides[-1] == array.itemsize else array.copy()


def _in_order(xp: Any, array: Any, factor: Any) -> Any:
    """The product, in memory of its own order."""
    shape = broadcast_shapes(array.shape, getattr(factor, "shape", ()))
    return xp.multiply(array, factor, xp.empty(shape, array.dtype))


def _with_row(xp: Any, array: Any, row: Any) -> Any:
    """The transposed matrices, and one more row below."""
    heads, length, width = array.shape
    result = xp.empty((heads, width + 1, length), array.dtype)
    result[:, :width] = array.swapaxes(-1, -2)
    result[:, width] = row
    return result


def _with_ones(xp: Any, array: Any, dtype: Any) -> Any:
    """The matrices, and a column of ones: a product with it adds the row of ``_with_row``."""
    heads, length, width = array.shape
    result = xp.empty((heads, length, width + 1), dtype)
    put(result[:, :, :width], array)
    result[:, :, width] = 1
    return result


def _triangle(xp: Any, plan: _Plan, dtype: Any) -> Any:
    """What is added to the scores around the diagonal: -inf where a key follows a row."""
    if not plan.causal:
        return None
    ones = xp.ones((plan.rows, plan.rows), bool)
    return xp.where(xp.tril(ones, -1), -xp.inf, 0).astype(dtype)


def _masked(
    xp: Any, plan: _Plan, scores: Any, rows: slice, keys: int, mask: Any, above: Any
) -> Any:
    """The scores of these rows, with the masks added in place."""
    start = rows.start
    if above is not None and start < keys:
        scores[:, start:] += above[: keys - start, : rows.stop - start]
    if mask is not None:
        mask = mask[..., rows, :] if mask.shape[-2] > 1 else mask
        mask = mask[..., :keys] if mask.shape[-1] > 1 else mask
        if mask.dtype == bool:
            mask = xp.where(mask, 0, -xp.inf)
        scores += mask.swapaxes(-1, -2).astype(scores.dtype, copy=False)
    return scores


def _is_bounded(xp: Any, mask: Any) -> bool:
    """Whether what a mask adds is small, or leaves a key out."""
    if mask is None or mask.dtype == bool:
        return True
    return bool(((xp.abs(mask) < SMALL_SCORE) | (mask == -xp.inf)).all())


def _are_small(scores: Any) -> bool:
    return bool(scores.size and -SMALL_SCORE < scores.min() and scores.max() < SMALL_SCORE)


def _go_over(plan: _Plan, run: Callable[[tuple[Any, ...]], None], threads: int) -> None:
    if threads < 2:
        for index in plan.groups():
            run(index)
        return
    spread(run, list(plan.groups()))


@shared_kernel
def attention(
    xp: Any, query: Any, key: Any, value: Any, mask: Any, is_causal: bool, scale: float
) -> tuple[Any, Any, Any]:
    return forward(xp, 1, query, key, value, mask, is_causal, scale)


def forward(
    xp: Any,
    threads: int,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    is_causal: bool,
    scale: float,
) -> tuple[Any, Any, Any]:
    """The kernel, with the groups of heads spread over threads."""
    dtype = compute_type(query.dtype)
    narrow = dtype != query.dtype
    # Beside its scores, a group of half precision has its keys and values in float32.
    group_bytes = _BLOCK_BYTES // (8 if narrow else 2)
    plan = _plan(query, key, value, mask, is_causal, 32 if narrow else 64, threads, group_bytes)
    factor = dtype.type(scale)
    plain = all(each is None or each.ndim == 2 for each in (query, key, value, mask))
    shape = (*plan.lead, plan.length, value.shape[-1])
    output = _empty_like(xp, query[None] if plain else query, shape, query.dtype)
    highest = xp.zeros((*plan.lead, 1, plan.length), dtype)
    total = xp.empty((*plan.lead, 1, plan.length), dtype)
    above = _triangle(xp, plan, dtype)
    ones = xp.ones((1, plan.keys), dtype)

    def attend(index: tuple[Any, ...]) -> None:
        keys_part, values = (_rows_of(single(_part(each, index))) for each in (key, value))
        queries = _part(query, index).swapaxes(-1, -2)
        mask_part = None if mask is None else _part(mask, index)
        bounded = _is_bounded(xp, mask_part)
        outputs, tops, sums = output[index], highest[index], total[index]

        def attend_with(rows: slice, keys: int) -> None:
            # What a block needs is gone before the next one.
            columns = single(queries[:, :, rows])
            into = columns if narrow else xp.empty(columns.shape, dtype)
            columns = xp.multiply(columns, factor, into)
            scores = xp.matmul(keys_part[:, :keys], columns)
            # The scores alone are what a block holds while its weights are made.
            del columns, into
            small = bounded and _are_small(scores)
            scores = _masked(xp, plan, scores, rows, keys, mask_part, above)
            if not small and keys:
                top = scores.max(-2, keepdims=True)
                top = xp.where(top == -xp.inf, 0, top)
                scores -= top
                tops[:, :, rows] = top
            weights = xp.exp(scores, scores)
            # As a product, which is faster than a sum over a dimension.
            summed = xp.matmul(ones[:, :keys], weights)
            summed += summed == 0
            sums[:, :, rows] = summed
            mixed = None if narrow else outputs[:, rows]
            mixed = xp.matmul(weights.swapaxes(-1, -2), values[:, :keys], mixed)
            xp.multiply(mixed, 1 / summed.swapaxes(-1, -2), mixed)
            if narrow:
                put(outputs[:, rows], mixed)

        for rows, keys in plan.blocks():
            attend_with(rows, keys)

    _go_over(plan, attend, threads)
    return (output[0], highest[0], total[0]) if plain else (output, highest, total)


@shared_kernel
def attention_backward(xp: Any, *operands: Any) -> tuple[Any, Any, Any, Any]:
    return backward(xp, 1, *operands)


def backward(
    xp: Any,
    threads: int,
    grad: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    output: Any,
    highest: Any,
    total: Any,
    is_causal: bool,
    scale: float,
    mask_wanted: bool,
) -> tuple[Any, Any, Any, Any]:
    """The kernel, with the groups of heads spread over threads."""
    if mask_wanted or not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        # Several groups would add to one gradient.
        threads = 1
    # Each block adds to the gradients of all its keys, so that few blocks are better here.
    asked = query.dtype
    dtype = compute_type(asked)
    # Of half precision a group has all of its operands and sums in float32.
    # Blocks under a causal mask have few rows, so that as many scores are of more heads' keys.
    group_bytes = _BLOCK_BYTES // (4 if dtype != asked else 2 if is_causal else 1)
    plan = _plan(query, key, value, mask, is_causal, 256, threads, group_bytes)
    factor = dtype.type(scale)
    alone = query.shape[:-2] == plan.lead
    # Sums of half precision are rounded once: of a group, or of all where groups add up.
    narrow = dtype != asked and query.shape[:-2] == key.shape[:-2] == value.shape[:-2] == plan.lead
    kept = asked if narrow else dtype
    gradients_of = [_empty_like(xp, each, each.shape, kept) for each in (query, key, value)]
    to_mask = xp.zeros(mask.shape, mask.dtype) if mask_wanted else xp.empty(0, dtype)
    for each in gradients_of[alone:]:
        each.fill(0)
    above = _triangle(xp, plan, dtype)

    def differentiate(index: tuple[Any, ...]) -> None:
        mask_part = None if mask is None else _part(mask, index)
        query_part, output_part, grad_part = (_part(each, index) for each in (query, output, grad))
        own = [_part(each, index) for each in gradients_of]
        query_sums, key_sums, value_sums = (
            [xp.zeros(each.shape, dtype) for each in own] if narrow else own
        )
        keys_part = _rows_of(single(_part(key, index)))
        with_ones = _with_ones(xp, keys_part, dtype)
        values = _with_ones(xp, _part(value, index), dtype)
        highest_part = _part(highest, index)[:, 0]
        shifted = mask is not None and bool(highest_part.any())
        # Weights are exp(score - highest) / total; the total is divided out of the gradient.
        shares = 1 / _part(total, index).swapaxes(-1, -2)
        for rows, keys in plan.blocks():
            scaled = _in_order(xp, single(query_part[:, rows]), factor)
            upper = _in_order(xp, single(grad_part[:, rows]), shares[:, rows])
            inner = (upper * single(output_part[:, rows])).sum(-1)
            top = highest_part[:, rows]
            # Where a mask's great numbers cancel with the maximum's, they have to meet first.
            columns = _with_row(xp, scaled, 0 if mask is not None else -top)
            gradients = _with_row(xp, upper, -inner)
            scores = xp.matmul(with_ones[:, :keys], columns)
            scores = _masked(xp, plan, scores, rows, keys, mask_part, above)
            if shifted:
                scores -= top[:, None]
            weights = xp.exp(scores, scores)
            _accumulate(value_sums[:, :keys], xp.matmul(weights, upper))
            slope = xp.matmul(values[:, :keys], gradients)
            slope *= weights
            if mask_wanted:
                _accumulate_mask(to_mask, index, rows, keys, slope.swapaxes(-1, -2))
            _accumulate(key_sums[:, :keys], xp.matmul(slope, scaled))
            product = xp.matmul(slope.swapaxes(-1, -2), keys_part[:, :keys])
            if alone:
                xp.multiply(product, factor, query_sums[:, rows])
            else:
                _accumulate(query_sums[:, rows], product * factor)
        if narrow:
            for place, sums in zip(own, (query_sums, key_sums, value_sums), strict=True):
                put(place, sums)

    _go_over(plan, differentiate, threads)
    return (*[converted(each, asked) for each in gradients_of], to_mask)


def _accumulate_mask(to_mask: Any, index: Any, rows: slice, keys: int, slope: Any) -> None:
    """Add a block's gradient to the mask's, which may be broadcast over rows and keys too."""
    if to_mask.shape[-2] == 1:
        slope, rows = slope.sum(-2, keepdims=True), slice(0, 1)
    if to_mask.shape[-1] == 1:
        slope, keys = slope.sum(-1, keepdims=True), 1
    _accumulate(_part(to_mask[..., rows, :keys], index), slope)
