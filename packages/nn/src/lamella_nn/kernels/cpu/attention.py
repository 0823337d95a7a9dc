"""Attention on the CPU, the groups of heads spread over threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.kernels.gathering import FEW
from lamella_core.parallel import thread_count
from lamella_nn.kernels.attention import SMALL_SCORE, backward, forward

# Fewer scores than this are done before another thread has woken up.
_FEWEST_SCORES = 1 << 17


def _threads(query: Any, key: Any) -> int:
    scores = query.size // max(query.shape[-1], 1) * key.shape[-2]
    return thread_count() if scores >= _FEWEST_SCORES else 1


def _of_few(query: Any, key: Any, value: Any, is_causal: bool, scale: float) -> Any:
    """The kernel without blocks, None where scores have to be shifted by their maximum."""
    scores = np.matmul(query, key.swapaxes(-1, -2))
    np.multiply(scores, scores.dtype.type(scale), scores)
    flat = scores.reshape(-1)
    if not (flat[flat.argmax()] < SMALL_SCORE and flat[flat.argmin()] > -SMALL_SCORE):
        return None
    np.exp(scores, scores)
    length, keys = scores.shape[-2:]
    if is_causal:
        np.multiply(scores, np.tri(length, keys, dtype=bool), scores)
    total = scores.dot(np.ones((keys, 1), scores.dtype))
    output = np.matmul(scores, value)
    np.divide(output, total, output)
    highest = np.zeros((*scores.shape[:-2], 1, length), scores.dtype)
    return output, highest, total.swapaxes(-1, -2)


def _are_few(*operands: Any) -> bool:
    query, key = operands[:2]
    for each in operands:
        if each.dtype.char not in "fd" or not each.size or not each.flags.c_contiguous:
            return False
        if each.shape[:-2] != query.shape[:-2]:
            return False
    return query.size // query.shape[-1] * key.shape[-2] <= FEW


def attention(
    query: Any, key: Any, value: Any, mask: Any, is_causal: bool, scale: float
) -> tuple[Any, Any, Any]:
    if mask is None and _are_few(query, key, value):
        result = _of_few(query, key, value, is_causal, scale)
        if result is not None:
            return result
    rest = value, mask, is_causal, scale
    return forward(np, _threads(query, key), query, key, *rest)


def attention_backward(grad: Any, query: Any, key: Any, *rest: Any) -> tuple[Any, Any, Any, Any]:
    return backward(np, _threads(query, key), grad, query, key, *rest)


register_kernel("attention", attention, "cpu")
register_kernel("attention_backward", attention_backward, "cpu")
