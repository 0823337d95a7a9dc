"""Attention."""

from __future__ import annotations

import math
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

import lamella_core as core
from lamella_nn.functional.dropout import dropout
from lamella_nn.functional.precision import as_given, single
from lamella_nn.ops.attention import attention, attention_weights

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = ["scaled_dot_product_attention"]


class SDPBackend(IntEnum):
    """The kernels of attention that PyTorch tells apart."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    __repr__ = Enum.__repr__
    __str__ = Enum.__str__


# Those that may be taken; ``nn.attention.sdpa_kernel`` changes it.
enabled = {
    SDPBackend.MATH,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.CUDNN_ATTENTION,
}


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``dropout(softmax(query @ key^T * scale + mask)) @ value``.

    Without dropout the weights, L x S of them, are never held at once: they are computed block by
    block, and again in the backward pass. A row whose keys are all masked gives zeros.

    Args:
        query: ``(..., Hq, L, E)``; the dimensions before L broadcast with those of the others.
        key: ``(..., H, S, E)``.
        value: ``(..., H, S, Ev)``.
        attn_mask: broadcasts to ``(..., Hq, L, S)``. Booleans: a key takes part where it is true.
            float32 or the query's dtype: added to the scores.
        dropout_p: the probability that a weight becomes zero, also in evaluation.
        is_causal: whether row i sees keys 0 to i only; with ``attn_mask``, both hold.
        scale: ``1 / sqrt(E)`` where left out.
        enable_gqa: let ``Hq / H`` heads of the query share one head of key and value.

    Returns:
        ``(..., Hq, L, Ev)``.

    Raises:
        RuntimeError: when dtypes differ or shapes do not fit, or ``nn.attention.sdpa_kernel`` lets
            no kernel that there is be taken.

    A. Vaswani et al., "Attention Is All You Need", 2017; T. Dao et al., "FlashAttention", 2022;
    J. Ainslie et al., "GQA", 2023.
    """
    if SDPBackend.FLASH_ATTENTION not in enabled and SDPBackend.MATH not in enabled:
        raise RuntimeError(
            "No viable backend for scaled_dot_product_attention was found. This is likely due to "
            "turning off both the math kernel and the fused kernels."
        )
    if is_causal and getattr(attn_mask, "variant", None) is not None:
        raise ValueError("CausalBias should not be used with causal=True")
    _check_types(query, key, value, attn_mask)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None and attn_mask.ndim < 2:
        raise IndexError(
            "scaled_dot_product_attention: attn_mask needs at least 2 dimensions, but has shape "
            f"{list(attn_mask.shape)}"
        )
    if scale is None:
        width = query._array.shape[-1]
        scale = 1 / math.sqrt(width) if width else math.inf
    groups = _check_heads(query, key, value) if enable_gqa else 1
    if groups > 1:
        # One more dimension, in which key and value broadcast, in place of copies of them.
        query = query.unflatten(-3, (-1, groups))
        key, value = key.unsqueeze(-3), value.unsqueeze(-3)
        if attn_mask is not None and attn_mask.ndim > 2:
            heads = attn_mask.shape[-3]
            split = (-1, groups) if heads > 1 else (1, 1)
            attn_mask = attn_mask.unflatten(-3, split)
    _check_shapes(query, key, value, attn_mask)
    if dropout_p > 0:
        weights = attention_weights(single(query), single(key), attn_mask, is_causal, scale)
        result = as_given(dropout(weights, dropout_p) @ single(value), query)
    else:
        result = attention(query, key, value, attn_mask, is_causal, scale)[0]
    return result.flatten(-4, -3) if groups > 1 else result


def _check_types(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    dtype = query._dtype
    if key._dtype is not dtype or value._dtype is not dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{dtype} key.dtype: {key._dtype} and value.dtype: {value._dtype} instead."
        )
    if not dtype.is_floating_point:
        raise RuntimeError(
            f"scaled_dot_product_attention: expected a floating-point dtype, but got {dtype}; "
            "convert the operands, for example with .float()"
        )
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if mask is not None and mask._dtype not in (core.bool, core.float32, dtype):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {mask._dtype} and  query.dtype: {dtype} instead."
        )


def _check_heads(query: Tensor, key: Tensor, value: Tensor) -> int:
    """How many heads of the query share one of key and value."""
    if query.ndim < 3 or key.ndim < 3 or value.ndim < 3:
        raise IndexError(
            "scaled_dot_product_attention: enable_gqa needs a dimension of heads, the third from "
            f"the end; got shapes {list(query.shape)}, {list(key.shape)}, {list(value.shape)}"
        )
    heads, keys, values = query.shape[-3], key.shape[-3], value.shape[-3]
    if keys != values or not keys or heads % keys:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query "
            f"(and be equal); got {heads} of query, {keys} of key, {values} of value"
        )
    return heads // keys


def _check_shapes(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    shapes = query._array.shape, key._array.shape, value._array.shape
    if shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: expected query (..., L, E), key (..., S, E) and value "
            f"(..., S, Ev), but got {list(shapes[0])}, {list(shapes[1])} and {list(shapes[2])}"
        )
    lead = shapes[0][:-2]
    if mask is None and lead == shapes[1][:-2] == shapes[2][:-2]:
        return
    lead = core.broadcast_shapes(*(shape[:-2] for shape in shapes))
    if mask is not None:
        scores = (*lead, shapes[0][-2], shapes[1][-2])
        sizes = mask._array.shape
        if len(sizes) > len(scores) or any(
            size not in (1, whole)
            for size, whole in zip(reversed(sizes), reversed(scores), strict=False)
        ):
            raise RuntimeError(
                f"scaled_dot_product_attention: attn_mask of shape {list(sizes)} does not "
                f"broadcast to the scores of shape {list(scores)}"
            )
