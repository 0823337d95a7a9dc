"""Scaled dot-product attention on CUDA: batched products, and one pass over the scores between.

As many heads, and rows of them, are taken at a time as keep the scores below a quarter of a
gigabyte. The backward pass computes the weights again, from each row's maximum and sum (T. Dao et
al., "FlashAttention", 2022).
"""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import cupy
from numpy import broadcast_shapes

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import computed_type, each_row, reduced_precision
from lamella_cuda_kernels.products import matmul

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The scores of ``rows`` rows of each head, the first of which is row ``first``, against ``keys``
# keys. A mask is read at ``head / repeat * head_step + row * row_step + key * key_step``; it is
# none, booleans or numbers (kind 0, 1, 2).
SOURCE = """
__device__ A masked(A score, const bool *seen, const A *added, long long place) {
    if (seen) return seen[place] ? score : -INF;
    return added ? score + added[place] : score;
}
#define MASKS                                                                          \\
    long long head = r / rows, row = first + r % rows;                                 \\
    long long limit = causal ? (row + 1 < keys ? row + 1 : keys) : keys;               \\
    long long place = (first_head + head) / repeat * head_step + row * row_step;       \\
    const bool *seen = kind == 1 ? (const bool *)mask + place : 0;                     \\
    const A *added = kind == 2 ? (const A *)mask + place : 0;
#define KEYS(j) for (long long j = threadIdx.x; j < keys; j += blockDim.x)
#define SEEN(j) for (long long j = threadIdx.x; j < limit; j += blockDim.x)
#define PARAMETERS \\
    long long first_head, long long heads, long long first, long long rows, long long keys, \\
    long long length, long long causal, double scale, const void *mask, long long kind, \\
    long long repeat, long long head_step, long long row_step, long long key_step

#define SCORE(j) masked(own[j] * (A)scale, seen, added, j * key_step)

extern "C" __global__ void attention_weights(const A *scores, T *weights, A *highest, A *sums,
                                             PARAMETERS) {
    EACH_BLOCK(r, heads * rows) {
        MASKS
        const A *own = scores + r * keys;
        T *to = weights + r * keys;
        A top = -INF, total = 0;
        SEEN(j) top = larger(SCORE(j), top);
        top = block_max(top);
        if (top == -INF) top = 0;
        SEEN(j) total += exp(SCORE(j) - top);
        total = block_sum(total);
        if (total == 0) total = 1;
        A share = 1 / total;
        KEYS(j) to[j] = down(j < limit ? exp(SCORE(j) - top) * share : 0);
        if (!threadIdx.x) {
            highest[head * length + row] = top;
            sums[head * length + row] = total;
        }
    }
}
extern "C" __global__ void attention_slopes(const A *scores, const A *through, T *weights,
                                            T *slopes, const A *highest, const A *sums,
                                            PARAMETERS) {
    EACH_BLOCK(r, heads * rows) {
        MASKS
        const A *own = scores + r * keys, *above = through + r * keys;
        T *to = weights + r * keys, *slope = slopes + r * keys;
        A top = highest[head * length + row], share = 1 / sums[head * length + row], inner = 0;
        KEYS(j) {
            A weight = j < limit ? exp(SCORE(j) - top) * share : 0;
            inner += weight * above[j];
            to[j] = down(weight);
        }
        inner = block_sum(inner);
        KEYS(j) slope[j] = down(up(to[j]) * (above[j] - inner));
    }
}
"""
_MOST_SCRATCH = 1 << 28
# Above so many scores, a causal mask is worth four blocks of rows: three of eight parts are saved.
_MANY_SCORES = 1 << 24


class _Mask(NamedTuple):
    """What the kernels take of a mask: see their parameters."""

    array: Any
    kind: int
    repeat: int
    head_step: int
    row_step: int
    key_step: int


def _mask(mask: Any, lead: tuple[int, ...], dtype: Any) -> _Mask:
    """A mask whose heads are one dimension; heads in a row with equal masks share one."""
    if mask is None:
        return _Mask(0, 0, 1, 0, 0, 0)
    if mask.dtype != bool:
        mask = mask.astype(dtype, copy=False)
    own = (1,) * (len(lead) + 2 - mask.ndim) + mask.shape
    last = len(lead)
    while last and own[last - 1] == 1:
        last -= 1
    heads = cupy.broadcast_to(mask.reshape(own), (*lead[:last], *own[last:]))
    heads = cupy.ascontiguousarray(heads.reshape(prod(lead[:last]), *own[-2:]))
    rows, keys = own[-2:]
    row_step, key_step = keys if rows > 1 else 0, 1 if keys > 1 else 0
    repeat = max(prod(lead[last:]), 1)
    kind = 1 if mask.dtype == bool else 2
    return _Mask(heads, kind, repeat, rows * keys, row_step, key_step)


class _Plan(NamedTuple):
    """How many heads and rows a block has, and what the scores are of."""

    heads: int
    length: int
    keys: int
    step: int
    rows: int
    causal: bool
    scale: float

    def blocks(self) -> Iterator[tuple[slice, slice, int]]:
        """The heads and rows of each block, and the number of keys that they see."""
        for head in range(0, self.heads, self.step):
            heads = slice(head, min(head + self.step, self.heads))
            for row in range(0, self.length, self.rows):
                stop = min(row + self.rows, self.length)
                yield heads, slice(row, stop), min(stop, self.keys) if self.causal else self.keys

    def arguments(self, heads: slice, rows: slice, keys: int, mask: _Mask) -> tuple[Any, ...]:
        return (
            *(heads.start, heads.stop - heads.start, rows.start, rows.stop - rows.start),
            *(keys, self.length, int(self.causal), self.scale, *mask),
        )


def _plan(heads: int, length: int, keys: int, itemsize: int, causal: bool, scale: float) -> _Plan:
    most = _MOST_SCRATCH // itemsize
    scale = scale if isfinite(scale) else 0.0
    rows = max(1, min(length, most // max(keys, 1)))
    if causal and heads * length * keys >= _MANY_SCORES:
        rows = min(rows, -(-length // 4))
    step = max(1, min(heads, most // max(rows * keys, 1)))
    return _Plan(heads, length, keys, step, rows, causal, float(scale))


def _heads(array: Any, lead: tuple[int, ...]) -> Any:
    """An operand as ``(heads, length, width)``."""
    if array.shape[:-2] != lead:
        array = cupy.broadcast_to(array, (*lead, *array.shape[-2:]))
    return array.reshape(prod(lead), *array.shape[-2:])


def _lead(*arrays: Any) -> tuple[int, ...]:
    leads: set[tuple[int, ...]] = {x.shape[:-2] for x in arrays if x is not None}
    return leads.pop() if len(leads) == 1 else broadcast_shapes(*leads)


def _narrow(array: Any, dtype: Any) -> Any:
    """Where a pass over float32 numbers writes those of a type: itself, where it is that type."""
    return array if array.dtype == dtype else cupy.empty(array.shape, dtype)


def attention(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        query: Any, key: Any, value: Any, mask: Any, is_causal: bool, scale: float
    ) -> tuple[Any, Any, Any]:
        lead = _lead(query, key, value, mask)
        dtype, wide = query.dtype, computed_type(query.dtype)
        length, keys = query.shape[-2], key.shape[-2]
        queries, all_keys, values = (_heads(x, lead) for x in (query, key, value))
        heads = len(queries)
        output = cupy.empty((heads, length, value.shape[-1]), dtype)
        highest, total = cupy.empty((2, heads, 1, length), wide)
        if not keys:
            highest.fill(0)
            total.fill(1)
        masks = _mask(mask, lead, wide)
        plan = _plan(heads, length, keys, highest.itemsize, is_causal, scale)
        for part, rows, seen in plan.blocks():
            some, those = queries[part, rows], all_keys[part, :seen]
            scores = matmul(some, those.swapaxes(-1, -2), wide=True)
            weights = _narrow(scores, dtype)
            each_row(
                SOURCE, "attention_weights", dtype.char, scores.size // max(seen, 1), seen,
                scores, weights, highest[part], total[part],
                *plan.arguments(part, rows, seen, masks),
            )  # fmt: skip
            matmul(weights, values[part, :seen], output[part, rows])
        shape = (*lead, 1, length)
        return (
            output.reshape(*lead, *output.shape[1:]),
            highest.reshape(shape),
            total.reshape(shape),
        )

    return kernel


def attention_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
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
        lead = _lead(query, key, value, mask)
        dtype, wide = query.dtype, computed_type(query.dtype)
        length, keys = query.shape[-2], key.shape[-2]
        queries, all_keys, values, above = (_heads(x, lead) for x in (query, key, value, grad))
        tops, sums = (cupy.ascontiguousarray(x).reshape(-1, length) for x in (highest, total))
        to_query, to_key, to_value = (
            cupy.zeros(x.shape, wide) for x in (queries, all_keys, values)
        )
        to_mask = (
            cupy.zeros((*lead, *mask.shape[-2:]), wide) if mask_wanted else cupy.empty(0, wide)
        )
        masks = _mask(mask, lead, wide)
        plan = _plan(len(queries), length, keys, 2 * tops.itemsize, is_causal, scale)
        for part, rows, seen in plan.blocks():
            some, those, gradients = queries[part, rows], all_keys[part, :seen], above[part, rows]
            scores = matmul(some, those.swapaxes(-1, -2), wide=True)
            through = matmul(gradients, values[part, :seen].swapaxes(-1, -2), wide=True)
            weights, slopes = _narrow(scores, dtype), _narrow(through, dtype)
            each_row(
                SOURCE, "attention_slopes", dtype.char, scores.size // max(seen, 1), seen,
                scores, through, weights, slopes, tops[part], sums[part],
                *plan.arguments(part, rows, seen, masks),
            )  # fmt: skip
            _add_product(to_value[part, :seen], weights, gradients, rows.start)
            _add_product(to_key[part, :seen], slopes, some, rows.start)
            matmul(slopes, those, to_query[part, rows], wide=True)
            if mask_wanted:
                flat_mask = to_mask.reshape(-1, *mask.shape[-2:])
                _add_to_mask(flat_mask[part], rows, seen, slopes.astype(wide, copy=False))
        to_query *= scale
        to_key *= scale
        found = [
            _summed(each.reshape(*lead, *each.shape[1:]), x.shape).astype(dtype, copy=False)
            for each, x in ((to_query, query), (to_key, key), (to_value, value))
        ]
        if mask_wanted:
            to_mask = _summed(to_mask, mask.shape).astype(mask.dtype, copy=False)
        return (*found, to_mask)

    return kernel


def _add_product(target: Any, left: Any, right: Any, row: int) -> None:
    """Adds ``left^T @ right`` to a gradient, which the first rows find empty."""
    if row:
        target += matmul(left.swapaxes(-1, -2), right, wide=True)
    else:
        matmul(left.swapaxes(-1, -2), right, target, wide=True)


def _add_to_mask(to_mask: Any, rows: slice, keys: int, slopes: Any) -> None:
    """Adds a block's gradient to the mask's, whose rows and keys may be one for all."""
    if to_mask.shape[-2] == 1:
        slopes, rows = slopes.sum(-2, keepdims=True), slice(0, 1)
    if to_mask.shape[-1] == 1:
        slopes, keys = slopes.sum(-1, keepdims=True), 1
    to_mask[:, rows, :keys] += slopes


def _summed(array: Any, shape: tuple[int, ...]) -> Any:
    """The sum over the dimensions in which an operand of this shape was broadcast."""
    extra = array.ndim - len(shape)
    axes = (
        *range(extra),
        *(i + extra for i, n in enumerate(shape) if n == 1 and array.shape[i + extra] != 1),
    )
    return array.sum(axes).reshape(shape) if axes else array


def register() -> None:
    """Puts the kernels over the shared ones, which are above this package."""
    override_kernel("attention", attention, "cuda")
    override_kernel("attention_backward", attention_backward, "cuda")
