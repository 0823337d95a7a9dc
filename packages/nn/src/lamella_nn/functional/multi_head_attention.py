"""Multi-head attention: projections around scaled dot-product attention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import lamella_core as core
from lamella_autograd import rename
from lamella_core.conventions.common import anywhere
from lamella_core.ops.linalg import linear
from lamella_core.warning import warn
from lamella_nn.functional.activation import softmax
from lamella_nn.functional.attention import scaled_dot_product_attention
from lamella_nn.functional.dropout import dropout
from lamella_nn.functional.precision import as_given, single

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.dtype import dtype

__all__ = ["multi_head_attention_forward"]


class Projections(NamedTuple):
    """The matrices and vectors before the attention: one matrix of all three, or three."""

    joint: Tensor | None
    query: Tensor | None
    key: Tensor | None
    value: Tensor | None
    bias: Tensor | None

    def apply(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values; what is the same tensor is multiplied once."""
        if self.joint is None:
            weights = (self.query, self.key, self.value)
            biases = (None, None, None) if self.bias is None else self.bias.chunk(3)
            return tuple(
                linear(x, weight, bias)
                for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
            )
        if query is key and key is value:
            return linear(query, self.joint, self.bias).chunk(3, -1)
        width = self.joint._array.shape[0] // 3
        if key is value:
            first, rest = self.joint.split((width, 2 * width))
            biases = (None, None) if self.bias is None else self.bias.split((width, 2 * width))
            keys, values = linear(key, rest, biases[1]).chunk(2, -1)
            return linear(query, first, biases[0]), keys, values
        weights = self.joint.chunk(3)
        biases = (None, None, None) if self.bias is None else self.bias.chunk(3)
        return tuple(map(linear, (query, key, value), weights, biases))


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads, each on its part of the projected features.

    ``nn.MultiheadAttention`` is the module of it, and tells what the arguments mean.

    Args:
        query: ``(L, N, E)``, or ``(L, E)`` without a batch.
        key: ``(S, N, Ek)`` or ``(S, Ek)``.
        value: ``(S, N, Ev)`` or ``(S, Ev)``.
        embed_dim_to_check: E.
        in_proj_weight: ``(3 E, E)``, for query, key and value one below the other.
        in_proj_bias: ``(3 E,)``.
        bias_k, bias_v: ``(1, 1, E)``, a further key and value of every sequence.
        add_zero_attn: whether there is a further key and value of zeros.
        dropout_p: dropout of the weights, in training.
        key_padding_mask: ``(N, S)`` or ``(S,)``; true where a key is left out, or added numbers.
        attn_mask: ``(L, S)`` or ``(N num_heads, L, S)``, likewise.
        use_separate_proj_weight: take ``q_proj_weight`` ``(E, E)``, ``k_proj_weight`` ``(E, Ek)``
            and ``v_proj_weight`` ``(E, Ev)`` in place of ``in_proj_weight``.
        static_k, static_v: ``(N num_heads, S, E / num_heads)``, in place of projected ones.
        is_causal: a hint that ``attn_mask`` is the causal one.

    Returns:
        The output, of the query's shape, and the weights after dropout: ``(N, L, S)`` as the
        mean over the heads, ``(N, num_heads, L, S)`` without ``average_attn_weights``, None
        without ``need_weights``.

    Raises:
        AssertionError, RuntimeError: when shapes or types do not fit.
    """
    if use_separate_proj_weight:
        for name, weight in (
            ("q_proj_weight", q_proj_weight),
            ("k_proj_weight", k_proj_weight),
            ("v_proj_weight", v_proj_weight),
        ):
            if weight is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name} is None")
        projections = Projections(None, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias)
    else:
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        projections = Projections(in_proj_weight, None, None, None, in_proj_bias)
    return attend(
        query, key, value, embed_dim_to_check, num_heads, projections, bias_k, bias_v,
        add_zero_attn, dropout_p if training else 0.0, out_proj_weight, out_proj_bias,
        key_padding_mask, need_weights, attn_mask, static_k, static_v, average_attn_weights,
        is_causal, False, training, False,
    )  # fmt: skip


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    width: int,
    heads: int,
    projections: Projections,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_weight: Tensor,
    out_bias: Tensor | None,
    key_padding_mask: Tensor | None,
    need_weights: bool,
    attn_mask: Tensor | None,
    static_k: Tensor | None,
    static_v: Tensor | None,
    average_attn_weights: bool,
    is_causal: bool,
    batch_first: bool,
    training: bool,
    inference: bool,
) -> tuple[Tensor, Tensor | None]:
    """:func:`multi_head_attention_forward` of batches in either order of dimensions.

    With ``inference`` it keeps to what PyTorch's kernel for inference makes of the arguments: the
    causal hint is not taken, and a row of which nothing is left is NaN.
    """
    batched = _check_dimensions(query, key, value, key_padding_mask, attn_mask, heads)
    if not batched:
        batch_first = True
        same_key, same_value = key is query, value is key
        query = query.unsqueeze(0)
        key = query if same_key else key.unsqueeze(0)
        value = key if same_value else value.unsqueeze(0)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    check_mask_types(attn_mask, "attn_mask")
    is_causal = is_causal and not inference
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    # The hint is taken only where the mask is not needed for something else.
    is_causal = is_causal and key_padding_mask is None and not need_weights
    _check_sizes(query, key, value, width, heads, projections)
    batch_dim = 0 if batch_first else 1
    batch, length = query.shape[batch_dim], query.shape[1 - batch_dim]
    if key.shape[batch_dim] != batch:
        raise RuntimeError(
            f"multi_head_attention_forward: key of shape {list(key.shape)} has another batch size "
            f"than the query of shape {list(query.shape)} (dimension {batch_dim})"
        )
    queries, keys, values = (
        _split_heads(x, heads, batch_first) for x in projections.apply(query, key, value)
    )
    if static_k is not None:
        keys = _static("static_k", static_k, batch, heads, width)
    if static_v is not None:
        values = _static("static_v", static_v, batch, heads, width)
    further = _further_keys(bias_k, bias_v, static_k, static_v, heads)
    if add_zero_attn:
        further.append((None, None))
    for more_key, more_value in further:
        keys, values = _append(keys, more_key), _append(values, more_value)
    source = keys.shape[-2] - len(further)
    mask = None
    if not is_causal:
        mask = _join_masks(attn_mask, key_padding_mask, batch, heads, length, source, queries.dtype)
        if mask is not None and further:
            more = core.zeros(
                (*mask.shape[:-1], len(further)), dtype=mask.dtype, device=mask.device
            )
            mask = core.cat([mask, more], dim=-1)
    weights = None
    if need_weights:
        scores = single(queries * (1 / math.sqrt(width // heads))) @ single(keys).mT
        if mask is not None:
            if mask.dtype is core.bool:
                scores = scores.masked_fill(mask, -math.inf)
            else:
                scores = scores + mask
        weights = softmax(as_given(scores, queries), -1)
        del scores
        if dropout_p > 0:
            weights = dropout(weights, dropout_p)
        mixed = weights @ values
        weights = weights.mean(1) if average_attn_weights else weights
        if not batched:
            weights = weights.squeeze(0)
    else:
        if mask is not None and mask.dtype is core.bool:
            mask = ~mask
        mixed = scaled_dot_product_attention(queries, keys, values, mask, dropout_p, is_causal)
        if inference and mask is not None:
            empty = ~mask.any(-1, keepdim=True)
            if anywhere(empty):
                mixed = mixed.masked_fill(empty, math.nan)
    # Dropout that follows draws in the order of memory, and PyTorch's has the batch second.
    turned = batch_first and training and batched
    order = (0, 2, 1, 3) if batch_first and not turned else (2, 0, 1, 3)
    output = linear(mixed.permute(order).flatten(-2), out_weight, out_bias)
    rename(output, "TransposeBackward0" if batch_first else "ViewBackward0")
    if turned:
        output = output.transpose(0, 1)
    return (output if batched else output.squeeze(0)), weights


def _split_heads(x: Tensor, heads: int, batch_first: bool) -> Tensor:
    """``(batch, length, E)`` or ``(length, batch, E)`` to ``(batch, heads, length, e)``."""
    x = x.unflatten(-1, (heads, -1))
    return x.permute(0, 2, 1, 3) if batch_first else x.permute(1, 2, 0, 3)


def _static(name: str, given: Tensor, batch: int, heads: int, width: int) -> Tensor:
    for dim, size in ((0, batch * heads), (2, width // heads)):
        if given.shape[dim] != size:
            raise AssertionError(
                f"expecting {name}.size({dim}) of {size}, but got {given.shape[dim]}"
            )
    return given.unflatten(0, (batch, heads))


def _further_keys(
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    static_k: Tensor | None,
    static_v: Tensor | None,
    heads: int,
) -> list[tuple[Tensor | None, Tensor | None]]:
    """The learnt key and value that every sequence has besides its own."""
    if bias_k is None or bias_v is None:
        if bias_k is not None or bias_v is not None:
            names = ("bias_k", "bias_v") if bias_v is None else ("bias_v", "bias_k")
            raise AssertionError(f"{names[0]} is set but {names[1]} is None")
        return []
    if static_k is not None or static_v is not None:
        raise AssertionError("a bias cannot be added to a static key or value")
    rows = (_split_heads(bias.reshape(1, 1, -1), heads, True) for bias in (bias_k, bias_v))
    return [(next(rows), next(rows))]


def _append(x: Tensor, row: Tensor | None) -> Tensor:
    """One more row of each sequence; zeros where it is None."""
    shape = (*x.shape[:-2], 1, x.shape[-1])
    if row is None:
        row = core.zeros(shape, dtype=x.dtype, device=x.device)
    return core.cat([x, row.expand(shape)], dim=-2)


def check_mask_types(
    mask: Tensor | None, name: str, other: Tensor | None = None, other_name: str = ""
) -> None:
    """Raise for a mask of integers; warn where one is of booleans and the other of numbers.

    Raises:
        AssertionError: the mask is neither of booleans nor of floating-point numbers.
    """
    if mask is None:
        return
    if mask.dtype is not core.bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype is not mask.dtype:
        warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for "
            "both instead."
        )


def as_added(mask: Tensor, dtype: dtype) -> Tensor:
    """A mask of booleans, true where something is left out, as numbers to be added."""
    if mask.dtype is not core.bool:
        return mask
    return core.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(mask, -math.inf)


def as_left_out(mask: Tensor | None) -> Tensor | None:
    """A mask of numbers as booleans, where each leaves all or nothing of a weight; else itself."""
    if mask is None or mask.dtype is core.bool:
        return mask
    shares = mask.exp()
    nothing = shares == 0
    return mask if anywhere(~nothing & (shares != 1)) else nothing


def _check_mask(mask: Tensor, batch: int, heads: int, length: int, source: int) -> None:
    expected = (length, source) if mask.ndim == 2 else (batch * heads, length, source)
    if mask.shape != expected:
        raise RuntimeError(
            f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {expected}."
        )


def _join_masks(
    attn_mask: Tensor | None,
    padding: Tensor | None,
    batch: int,
    heads: int,
    length: int,
    source: int,
    dtype: dtype,
) -> Tensor | None:
    """One mask that broadcasts to ``(batch, heads, length, source)``; booleans if all are."""
    check_mask_types(padding, "key_padding_mask", attn_mask, "attn_mask")
    if attn_mask is not None:
        _check_mask(attn_mask, batch, heads, length, source)
        if attn_mask.ndim == 2:
            attn_mask = attn_mask.view(1, 1, length, source)
        else:
            attn_mask = attn_mask.unflatten(0, (batch, heads))
    if padding is None:
        return attn_mask
    for dim, size in enumerate((batch, source)):
        if padding.shape[dim] != size:
            raise AssertionError(
                f"Expected key_padded_mask.shape[{dim}] to be {size}, but got {padding.shape[dim]}"
            )
    padding = padding.unsqueeze(1).unsqueeze(1)
    if attn_mask is None:
        return padding
    if padding.dtype is core.bool and attn_mask.dtype is core.bool:
        return padding | attn_mask
    return as_added(padding, dtype) + as_added(attn_mask, dtype)


def _check_dimensions(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    padding: Tensor | None,
    mask: Tensor | None,
    heads: int,
) -> bool:
    """Whether there is a batch.

    Raises:
        AssertionError: when the operands differ in this.
    """
    if query.ndim not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.ndim}-D query tensor"
        )
    batched = query.ndim == 3
    kind = f"{'batched' if batched else 'unbatched'} ({query.ndim}-D) `query`"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(
            f"For {kind}, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D "
            f"and {value.ndim}-D tensors respectively"
        )
    if padding is not None and padding.ndim != query.ndim - 1:
        raise AssertionError(
            f"For {kind}, expected `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
            f"{padding.ndim}-D tensor instead"
        )
    if mask is not None:
        if mask.ndim not in (2, 3):
            raise AssertionError(
                f"For {kind}, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                f"{mask.ndim}-D tensor instead"
            )
        expected = (heads, query.shape[0], key.shape[0])
        if not batched and mask.ndim == 3 and mask.shape != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {mask.shape}"
            )
    return batched


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, projections: Projections
) -> None:
    if query.shape[-1] != width:
        raise AssertionError(
            f"was expecting embedding dimension of {width}, but got {query.shape[-1]}"
        )
    if width % heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if projections.joint is None:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                f"{value.shape[:2]}"
            )
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
