"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(refuses="bool integer complex", reduced_precision=True, method=False)
def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    is_causal: bool,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """``softmax(query @ key^T * scale + mask) @ value``; a row that sees no key gives zeros.

    Args:
        query: ``(..., L, E)``.
        key: ``(..., S, E)``.
        value: ``(..., S, Ev)``.
        mask: ``(..., L, S)``, sizes 1 broadcast; booleans, true where a key is seen, or numbers
            that are added.
        is_causal: whether row i sees keys 0 to i only.

    Returns:
        The result; what was taken off each row's scores before ``exp`` (their maximum, or 0 where
        all are small); and the sum of each row: ``(..., 1, L)``, at least float32.
    """


@arrays(reduced_precision=True, method=False)
def attention_backward(
    grad_output: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    output: Tensor,
    highest: Tensor,
    total: Tensor,
    is_causal: bool,
    scale: float,
    mask_wanted: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of ``attention`` to query, key, value and mask (empty where not wanted)."""


def attention_weights(
    query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool, scale: float
) -> Tensor:
    """The softmax of the scores, ``(..., L, S)``, in ops; zeros in a row that sees no key."""
    scores = (query * scale) @ key.mT
    if is_causal:
        shape = scores._array.shape[-2:]
        seen = core.ones(shape, dtype=core.bool, device=query.device).tril()
        scores = scores.masked_fill(~seen, -math.inf)
    if mask is None:
        return core.softmax(scores, -1)
    if mask.dtype is core.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    else:
        scores = (scores + mask).to(query.dtype)
    blind = (scores == -math.inf).all(-1, keepdim=True)
    return core.softmax(scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)
