"""Derivatives of look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import derivative
from lamella_nn.ops.embedding import embedding, embedding_backward
from lamella_nn.sparse_gradients import sparse_rows

if TYPE_CHECKING:
    from lamella_core import Tensor


def _embedding(
    grad: Tensor,
    indices: Tensor,
    weight_shape: Any,
    padding_idx: int,
    scale_grad_by_freq: bool,
    sparse: bool,
) -> Tensor:
    if sparse:
        return sparse_rows(
            grad.reshape(-1, weight_shape[1]),
            indices,
            weight_shape[0],
            padding_idx,
            scale_grad_by_freq,
        )
    return embedding_backward(grad, indices, weight_shape[0], padding_idx, scale_grad_by_freq)


derivative("embedding", weight=_embedding)


def _embedding_backward(
    grad: Tensor, indices: Tensor, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    result = embedding(grad, indices, padding_idx, scale_grad_by_freq, False)
    if padding_idx >= 0:
        result = result * (indices != padding_idx).unsqueeze(-1).to(grad.dtype)
    if scale_grad_by_freq:
        counts = core.bincount(indices.reshape(-1), minlength=rows)
        result = result / counts[indices].unsqueeze(-1).to(grad.dtype)
    return result


derivative("embedding_backward", grad_output=_embedding_backward)
