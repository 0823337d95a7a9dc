"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from lamella_autograd import is_grad_enabled
from lamella_core import Tensor, empty
from lamella_core.dtype import bool_
from lamella_nn import init
from lamella_nn.functional.multi_head_attention import Projections, attend
from lamella_nn.modules.linear import NonDynamicallyQuantizableLinear
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter


def needs_grad(module: Module, input: Tensor) -> bool:
    """Whether a call of the module is recorded."""
    return is_grad_enabled() and (
        input.requires_grad or any(p.requires_grad for p in module.parameters())
    )


class MultiheadAttention(Module):
    """Attention of several heads, each on its part of projected features.

    With queries Q = x_q W_qᵀ + b_q, and keys and values likewise, head i is
    softmax(Q_i K_iᵀ / √(E / num_heads)) V_i, and the output is that of all heads side by side,
    projected once more. From A. Vaswani et al. (2017), "Attention Is All You Need".

    Args:
        embed_dim: E, the features of query and output.
        num_heads: number of heads, which divides E.
        dropout: dropout of the weights, in training.
        bias: whether the projections have a bias.
        add_bias_kv: whether every sequence has one more key and value, which are learnt.
        add_zero_attn: whether every sequence has one more key and value of zeros.
        kdim, vdim: the features of key and value; E where left out.
        batch_first: whether batches come first, (N, L, E), or second, (L, N, E).
        device, dtype: those of the parameters.

    Attributes:
        in_proj_weight: (3 E, E), if key and value have E features; otherwise there are
            ``q_proj_weight``, ``k_proj_weight`` and ``v_proj_weight``. Xavier-uniform at first.
        in_proj_bias: (3 E,), zero at first.
        bias_k, bias_v: (1, 1, E), Xavier-normal at first.
        out_proj: the last projection.

    Raises:
        ValueError: a number is not positive.
        AssertionError: ``num_heads`` does not divide ``embed_dim``.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        shapes: dict[str, tuple[int, ...] | None]
        if self._qkv_same_embed_dim:
            shapes = {
                "in_proj_weight": (3 * embed_dim, embed_dim),
                "q_proj_weight": None,
                "k_proj_weight": None,
                "v_proj_weight": None,
            }
        else:
            shapes = {
                "q_proj_weight": (embed_dim, embed_dim),
                "k_proj_weight": (embed_dim, self.kdim),
                "v_proj_weight": (embed_dim, self.vdim),
                "in_proj_weight": None,
            }
        shapes["in_proj_bias"] = (3 * embed_dim,) if bias else None
        self._make(shapes, device, dtype)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        if add_bias_kv:
            self._make({"bias_k": (1, 1, embed_dim), "bias_v": (1, 1, embed_dim)}, device, dtype)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _make(self, shapes: dict[str, tuple[int, ...] | None], device: Any, dtype: Any) -> None:
        for name, shape in shapes.items():
            value = None
            if shape is not None:
                value = Parameter(empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, value)

    def _reset_parameters(self) -> None:
        """Draw the initial parameters anew."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights.

        Args:
            query: (L, N, E), with ``batch_first`` (N, L, E), or (L, E) for one sequence.
            key: (S, N, kdim), (N, S, kdim) or (S, kdim).
            value: (S, N, vdim), (N, S, vdim) or (S, vdim).
            key_padding_mask: (N, S) or (S,); true where a key is left out, or numbers that are
                added to its scores.
            need_weights: whether to return weights. Without them, they are never held at once.
            attn_mask: (L, S) or (N · num_heads, L, S); true where a key is left out of a row, or
                numbers that are added to the scores.
            average_attn_weights: whether the weights returned are the mean over the heads.
            is_causal: a hint that ``attn_mask``, which has to be given too, is the causal one.

        Returns:
            The output, of the query's shape, and the weights after dropout, (N, L, S) or
            (N, num_heads, L, S), or None.

        Raises:
            AssertionError, RuntimeError: shapes or types do not fit; a hint has no mask.
        """
        projections = Projections(
            self.in_proj_weight,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
            self.in_proj_bias,
        )
        inference = self._is_inference(query, key, value) and all(
            mask is None or mask.dtype is bool_ for mask in (key_padding_mask, attn_mask)
        )
        return attend(
            query, key, value, self.embed_dim, self.num_heads, projections, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout if self.training else 0.0,
            self.out_proj.weight, self.out_proj.bias, key_padding_mask, need_weights, attn_mask,
            None, None, average_attn_weights, is_causal, self.batch_first,
            self.training, inference,
        )  # fmt: skip

    def _is_inference(self, query: Tensor, key: Tensor, value: Tensor) -> bool:
        """Whether PyTorch has a kernel for such a call, which treats some masks otherwise."""
        return (
            not self.training
            and self.batch_first
            and query.ndim == 3
            and query is key
            and key is value
            and self._qkv_same_embed_dim
            and self.in_proj_bias is not None
            and not self.num_heads % 2
            and self.bias_k is None
            and not self.add_zero_attn
            and not needs_grad(self, query)
        )

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """Both masks as one, for a query (N, L, E), and a number that says what it is.

        Returns:
            None and None without masks; the padding mask and 1 where it is the only one;
            otherwise a mask of shape (N, num_heads, L, L) and 2.
        """
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length = query.shape[:2]
        if attn_mask.ndim == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length)
        merged = merged.expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            merged = merged + key_padding_mask.view(batch, 1, 1, length)
        return merged, 2
