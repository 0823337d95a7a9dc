"""Attention on the CPU, the groups of heads spread over threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.parallel import thread_count
from lamella_nn.kernels.attention import backward, forward

# Fewer scores than this are done before another thread has woken up.
_FEWEST_SCORES = 1 << 17


def _threads(query: Any, key: Any) -> int:
    scores = query.size // max(query.shape[-1], 1) * key.shape[-2]
    return thread_count() if scores >= _FEWEST_SCORES else 1


def attention(query: Any, key: Any, *rest: Any) -> tuple[Any, Any, Any]:
    return forward(np, _threads(query, key), query, key, *rest)


def attention_backward(grad: Any, query: Any, key: Any, *rest: Any) -> tuple[Any, Any, Any, Any]:
    return backward(np, _threads(query, key), grad, query, key, *rest)


register_kernel("attention", attention, "cpu")
register_kernel("attention_backward", attention_backward, "cpu")
