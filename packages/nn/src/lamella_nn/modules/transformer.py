"""Transformers: encoder and decoder layers, and stacks of them."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

from lamella_core import Tensor, equal, full
from lamella_core.dtype import bool_
from lamella_nn import functional as F
from lamella_nn import init
from lamella_nn.functional.multi_head_attention import as_added, as_left_out, check_mask_types
from lamella_nn.modules.activation import GELU, ReLU
from lamella_nn.modules.container import ModuleList
from lamella_nn.modules.dropout import Dropout
from lamella_nn.modules.linear import Linear
from lamella_nn.modules.module import Module
from lamella_nn.modules.multihead_attention import MultiheadAttention, needs_grad
from lamella_nn.modules.normalization import LayerNorm

Activation = Callable[[Tensor], Tensor]


class _Layer(Module):
    """What encoder and decoder layers share: the attention to themselves, and two linear maps."""

    self_attn: MultiheadAttention
    activation: Activation

    def _finish(
        self,
        d_model: int,
        dim_feedforward: int,
        dropout: float,
        layer_norm_eps: float,
        norm_first: bool,
        bias: bool,
        norms: int,
        options: dict[str, Any],
    ) -> None:
        """Make what follows the attentions, in PyTorch's order of parameters."""
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        for number in range(1, norms + 1):
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
            self.add_module(f"norm{number}", norm)
        for number in range(1, norms + 1):
            self.add_module(f"dropout{number}", Dropout(dropout))

    def _sa_block(
        self,
        x: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        x = self.self_attn(
            x,
            x,
            x,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            need_weights=False,
            is_causal=is_causal,
        )[0]
        return self.dropout1(x)

    def _linear_maps(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, then two linear maps; each with a residual connection.

    x = norm1(x + attention(x)), then norm2(x + linear2(activation(linear1(x)))); with
    ``norm_first`` the norms stand before attention and maps: x = x + attention(norm1(x)), and so
    on. From A. Vaswani et al. (2017), "Attention Is All You Need".

    Args:
        d_model: features of input and output.
        nhead: heads of the attention.
        dim_feedforward: features between the linear maps.
        dropout: of the attention's weights, and of what is added to x.
        activation: ``"relu"``, ``"gelu"`` or a function of a tensor.
        layer_norm_eps: ε of the norms.
        batch_first: whether batches come first, (N, L, E), or second, (L, N, E).
        norm_first: see above.
        bias: whether linear maps and norms have one.
        device, dtype: those of the parameters.

    Raises:
        RuntimeError: the name of the activation is another.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self._finish(
            d_model, dim_feedforward, dropout, layer_norm_eps, norm_first, bias, 2, options
        )
        if isinstance(activation, str):
            activation = _activation(activation)
        self.activation_relu_or_gelu = 0
        if activation is F.relu or isinstance(activation, ReLU):
            self.activation_relu_or_gelu = 1
        elif activation is F.gelu or isinstance(activation, GELU):
            self.activation_relu_or_gelu = 2
        self.activation = activation

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The layer's output, of the shape of ``src``; masks are those of ``MultiheadAttention``.

        Args:
            is_causal: a hint that ``src_mask`` is the causal one.
        """
        check_mask_types(src_key_padding_mask, "src_key_padding_mask", src_mask, "src_mask")
        check_mask_types(src_mask, "src_mask")
        mask, padding = src_mask, src_key_padding_mask
        if self._is_inference(src):
            mask, padding = as_left_out(mask), as_left_out(padding)
        elif self.self_attn._is_inference(src, src, src):
            # Masks of numbers keep the attention from what holds for whole layers only.
            mask, padding = _added(mask, src), _added(padding, src)
        if mask is not None and padding is not None and mask.dtype is not padding.dtype:
            mask, padding = _added(mask, src), _added(padding, src)
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), mask, padding, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, mask, padding, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _is_inference(self, src: Tensor) -> bool:
        """Whether PyTorch has a kernel for such a call; see ``MultiheadAttention``."""
        return (
            not self.training
            and bool(self.activation_relu_or_gelu)
            and self.norm1.eps == self.norm2.eps
            and self.self_attn._is_inference(src, src, src)
            and not needs_grad(self, src)
        )

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._linear_maps(x))


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself and to another, then two linear maps.

    x = norm1(x + attention(x)), norm2(x + attention(x, memory)),
    norm3(x + linear2(activation(linear1(x)))). Arguments and errors are those of
    ``TransformerEncoderLayer``.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        for name in ("self_attn", "multihead_attn"):
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
            )
            self.add_module(name, attention)
        self._finish(
            d_model, dim_feedforward, dropout, layer_norm_eps, norm_first, bias, 3, options
        )
        self.activation = _activation(activation) if isinstance(activation, str) else activation

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The layer's output, of the shape of ``tgt``.

        Args:
            tgt: the sequence.
            memory: the other one, an encoder's output.
            tgt_mask, tgt_key_padding_mask, tgt_is_causal: of the attention to itself.
            memory_mask, memory_key_padding_mask, memory_is_causal: of that to ``memory``.
        """
        own = tgt_mask, tgt_key_padding_mask, tgt_is_causal
        other = memory, memory_mask, memory_key_padding_mask, memory_is_causal
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(
        self,
        x: Tensor,
        mem: Tensor,
        attn_mask: Tensor | None,
        key_padding_mask: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        x = self.multihead_attn(
            x,
            mem,
            mem,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            is_causal=is_causal,
            need_weights=False,
        )[0]
        return self.dropout2(x)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._linear_maps(x))


class TransformerEncoder(Module):
    """Encoder layers one after the other.

    Args:
        encoder_layer: the layer, which is copied.
        num_layers: how many copies.
        norm: applied to the output of the last, if given.
        enable_nested_tensor: PyTorch's switch for leaving padding out of the computation. Here
            padding is always computed; what the switch changes in the numbers is kept: in
            evaluation, without gradients and without ``mask``, the places that
            ``src_key_padding_mask`` leaves out at the end of a sequence come out of the layers as
            zeros.
        mask_check: taken for compatibility; where padding lies is always looked at.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = _reason_against_nesting(encoder_layer)
        if enable_nested_tensor and reason:
            warnings.warn(
                "enable_nested_tensor is True, but self.use_nested_tensor is False because "
                f"{reason}",
                stacklevel=2,
            )
            self.use_nested_tensor = False

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The output of the last layer; masks are those of ``MultiheadAttention``.

        Args:
            is_causal: a hint that ``mask`` is the causal one; None to look whether it is.
        """
        check_mask_types(src_key_padding_mask, "src_key_padding_mask", mask, "mask")
        check_mask_types(mask, "mask")
        padding = src_key_padding_mask
        if mask is not None and padding is not None and mask.dtype is not padding.dtype:
            mask, padding = _added(mask, src), _added(padding, src)
        attention = getattr(self.layers[0], "self_attn", None)
        batch_first = getattr(attention, "batch_first", False)
        causal = _is_causal(mask, is_causal, src, batch_first)
        blank = None
        if padding is not None and mask is None and self.use_nested_tensor:
            blank = self._blanked(src, padding)
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if blank is not None:
            output = output.masked_fill(blank.unsqueeze(-1), 0.0)
        return output if self.norm is None else self.norm(output)

    def _blanked(self, src: Tensor, padding: Any) -> Tensor | None:
        """Which places come out as zeros; None where none do."""
        if self.training or src.ndim != 3:
            return None
        hidden: Any = as_left_out(padding)
        if hidden.dtype is not bool_ or needs_grad(self.layers, src):
            return None
        at_the_end = not bool((hidden[:, :-1] & ~hidden[:, 1:]).any())
        return hidden if at_the_end else None


class TransformerDecoder(Module):
    """Decoder layers one after the other.

    Args:
        decoder_layer: the layer, which is copied.
        num_layers: how many copies.
        norm: applied to the output of the last, if given.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The output of the last layer; arguments are those of ``TransformerDecoderLayer``.

        Args:
            tgt_is_causal: a hint that ``tgt_mask`` is the causal one; None to look whether it is.
        """
        attention = getattr(self.layers[0], "self_attn", None)
        batch_first = getattr(attention, "batch_first", False)
        causal = _is_causal(tgt_mask, tgt_is_causal, tgt, batch_first)
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """An encoder, and a decoder that attends to its output.

    Parameters of more than one dimension are Xavier-uniform at first. From A. Vaswani et al.
    (2017), "Attention Is All You Need".

    Args:
        d_model: features of inputs and output.
        nhead: heads of the attentions.
        num_encoder_layers, num_decoder_layers: how many layers of each kind.
        dim_feedforward, dropout, activation, layer_norm_eps, norm_first, bias: of the layers, see
            ``TransformerEncoderLayer``.
        custom_encoder, custom_decoder: taken in place of those that would be made.
        batch_first: whether batches come first, (N, L, E), or second, (L, N, E).
        device, dtype: those of the parameters.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Activation = F.relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shared = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        rest = (batch_first, norm_first, bias, device, dtype)
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(
                TransformerEncoderLayer(*shared, *rest),
                num_encoder_layers,
                LayerNorm(d_model, layer_norm_eps, True, bias, device, dtype),
            )
        self.encoder = custom_encoder
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(
                TransformerDecoderLayer(*shared, *rest),
                num_decoder_layers,
                LayerNorm(d_model, layer_norm_eps, True, bias, device, dtype),
            )
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's output, of the shape of ``tgt``.

        Args:
            src: what the encoder gets: (S, N, E), (N, S, E) or (S, E).
            tgt: what the decoder gets: (T, N, E), (N, T, E) or (T, E).
            src_mask, tgt_mask, memory_mask: (S, S), (T, T) and (T, S), or with N · nhead of them.
            src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask: (N, S), (N, T)
                and (N, S). All masks are those of ``MultiheadAttention``.
            src_is_causal, tgt_is_causal, memory_is_causal: hints that a mask is the causal one.

        Raises:
            RuntimeError: the batches differ, or the features are not ``d_model``.
        """
        batched = src.ndim == 3
        batch_dim = 0 if self.batch_first else 1
        if batched and (tgt.ndim < 2 or src.shape[batch_dim] != tgt.shape[batch_dim]):
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask of numbers: (sz, sz), zero up to the diagonal and -inf over it."""
        return full((sz, sz), -math.inf, device=device, dtype=dtype).triu(1)

    def _reset_parameters(self) -> None:
        """Draw the initial matrices anew."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)


def _activation(name: str) -> Activation:
    if name == "relu":
        return F.relu
    if name == "gelu":
        return F.gelu
    raise RuntimeError(f"activation should be relu/gelu, not {name}")


def _copies(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _added(mask: Tensor | None, source: Tensor) -> Tensor | None:
    """A mask as numbers."""
    return None if mask is None else as_added(mask, source.dtype)


def _is_causal(mask: Tensor | None, hint: bool | None, source: Tensor, batch_first: bool) -> bool:
    """Whether the mask is the causal one: as the hint says, else by comparison."""
    if hint is not None or mask is None:
        return hint is True
    length = source.shape[1 if source.ndim == 3 and batch_first else 0]
    if mask.shape != (length, length):
        return False
    causal = full((length, length), -math.inf, device=mask.device).to(mask.dtype).triu(1)
    return equal(mask, causal)


def _reason_against_nesting(layer: Module) -> str:
    """Why PyTorch would not use nested tensors for such layers; empty where it would."""
    if not isinstance(layer, TransformerEncoderLayer):
        return "encoder_layer was not TransformerEncoderLayer"
    attention = layer.self_attn
    if layer.norm_first:
        return "encoder_layer.norm_first was True"
    if not attention.batch_first:
        return (
            "encoder_layer.self_attn.batch_first was not True(use batch_first for better "
            "inference performance)"
        )
    if not attention._qkv_same_embed_dim:
        return "encoder_layer.self_attn._qkv_same_embed_dim was not True"
    if attention.in_proj_bias is None:
        return "encoder_layer.self_attn was passed bias=False"
    if not layer.activation_relu_or_gelu:
        return "encoder_layer.activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return "encoder_layer.norm1.eps was not equal to encoder_layer.norm2.eps"
    if attention.num_heads % 2:
        return "encoder_layer.self_attn.num_heads is odd"
    return ""
