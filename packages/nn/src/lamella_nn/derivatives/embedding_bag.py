"""Derivatives of look-ups by bag: fused, and in ops where they are differentiated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import derivative, is_grad_enabled
from lamella_autograd.restore import is_unseen
from lamella_core.ops.splitting import fill_in_parts
from lamella_nn.ops.embedding import embedding_backward
from lamella_nn.ops.embedding_bag import embedding_bag_backward
from lamella_nn.sparse_gradients import sparse_rows

if TYPE_CHECKING:
    from lamella_core import Tensor


# Elements of the vectors that are multiplied at a time.
_PART = 65536


def _used(
    indices: Tensor, offsets: Tensor | None, include_last_offset: bool
) -> tuple[Tensor, Tensor, int]:
    """The indices that lie in bags, the bag of each, and the number of bags."""
    if offsets is None:
        bags, length = indices._array.shape
        return (
            indices.reshape(-1),
            core.arange(bags, device=indices.device).repeat_interleave(length),
            bags,
        )
    offsets = offsets.long()
    if not include_last_offset:
        end = core.tensor([indices.numel()], device=indices.device)
        offsets = core.cat([offsets, end])
    bags = offsets.numel() - 1
    bag_of = core.arange(bags, device=indices.device).repeat_interleave(offsets.diff())
    return indices[: bag_of.numel()], bag_of, bags


def _weight(
    grads: Any,
    results: Any,
    weight_shape: Any,
    indices: Tensor,
    offsets: Tensor | None,
    per_sample_weights: Tensor | None,
    mode: str,
    padding_idx: int,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
    sparse: bool,
) -> Tensor:
    grad, chosen, rows = grads[0], results[1], weight_shape[0]
    if not sparse and not is_grad_enabled():
        return embedding_bag_backward(
            grad, indices, offsets, per_sample_weights, chosen, rows, mode, padding_idx,
            scale_grad_by_freq, include_last_offset,
        )  # fmt: skip
    if mode == "max":
        # An empty bag's gradient goes to a row below the last, which is cut off.
        below = core.where(chosen < 0, rows, chosen)
        total = core.zeros((rows + 1, weight_shape[1]), dtype=grad.dtype, device=grad.device)
        return total.scatter_add(0, below, grad)[:rows]
    used, bag_of, bags = _used(indices, offsets, include_last_offset)
    if mode == "mean":
        kept = bag_of if padding_idx < 0 else bag_of[used != padding_idx]
        counts = core.bincount(kept, minlength=bags).clamp(min=1)
        grad = grad / counts.unsqueeze(1).to(grad.dtype)
    by_index = grad.index_select(0, bag_of)
    if per_sample_weights is not None:
        factors = per_sample_weights.reshape(-1)[: bag_of.numel()]
        by_index = by_index * factors.unsqueeze(1)
    if sparse:
        return sparse_rows(by_index, used, rows, padding_idx, scale_grad_by_freq)
    return embedding_backward(by_index, used, rows, padding_idx, scale_grad_by_freq)


def _per_sample_weights(
    grads: Any,
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    per_sample_weights_shape: Any,
    padding_idx: int,
    include_last_offset: bool,
) -> Tensor:
    used, bag_of, _ = _used(indices, offsets, include_last_offset)

    def dots(bags: Tensor, rows: Tensor) -> Tensor:
        return (grads[0].index_select(0, bags) * weight.index_select(0, rows)).sum(1)

    if is_unseen():
        step = max(_PART // max(weight.shape[1], 1), 1)
        products = fill_in_parts(grads[0].new_empty(used.shape), step, dots, bag_of, used)
    else:
        products = dots(bag_of, used)
    if padding_idx >= 0:
        products = products.masked_fill(used == padding_idx, 0)
    if products.numel() != indices.numel():
        beyond = core.zeros(
            indices.numel() - products.numel(), dtype=products.dtype, device=products.device
        )
        products = core.cat([products, beyond])
    return products.reshape(per_sample_weights_shape)


derivative("embedding_bag", weight=_weight, per_sample_weights=_per_sample_weights, keeps=(1,))
