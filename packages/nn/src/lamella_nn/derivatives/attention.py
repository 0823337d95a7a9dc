"""The derivative of attention: fused, and written in ops where it is differentiated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative, is_grad_enabled, node_name
from lamella_autograd.restore import sum_to_shape
from lamella_nn.ops.attention import attention_backward, attention_weights

if TYPE_CHECKING:
    from lamella_core import Tensor


def _attention(
    grads: Any,
    results: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    is_causal: bool,
    scale: float,
    needs: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    grad = grads[0]
    gradients: tuple[Tensor, ...]
    if is_grad_enabled():
        gradients = _in_ops(grad, query, key, value, mask, is_causal, scale)
    else:
        gradients = attention_backward(
            grad, query, key, value, mask, *results, is_causal, scale, needs[3]
        )
    return tuple(each if need else None for each, need in zip(gradients, needs, strict=True))


def _in_ops(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    is_causal: bool,
    scale: float,
) -> tuple[Tensor, ...]:
    weights = attention_weights(query, key, mask, is_causal, scale)
    through = grad @ value.mT
    slope = weights * (through - (through * weights).sum(-1, keepdim=True))
    to_query, to_key = (slope @ key) * scale, (slope.mT @ query) * scale
    return (
        sum_to_shape(to_query, query._array.shape),
        sum_to_shape(to_key, key._array.shape),
        sum_to_shape(weights.mT @ grad, value._array.shape),
        slope if mask is None else sum_to_shape(slope, mask._array.shape),
    )


derivative("attention", joint=("query", "key", "value", "mask"), compute=_attention)

# PyTorch has one op for batches of heads; once the query is freed, its rank is not known.
node_name(
    "attention",
    lambda node: (
        "ScaledDotProductFlashAttentionForCpuBackward0"
        if getattr(node._kept_query, "ndim", 4) == 4
        else "MmBackward0"
        if node._kept_query.ndim == 2
        else "UnsafeViewBackward0"
    ),
)
