"""Look-up tables and one-hot vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import no_grad
from lamella_nn.ops import embedding as ops

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = ["embedding", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of ``weight`` at the indices ``input``: ``(*input, features)``.

    Args:
        input: int64 or int32.
        weight: ``(rows, features)``.
        padding_idx: a row that gets no gradient; negative ones count from the end.
        max_norm: rows that are looked up and longer are shortened to this length, in place.
        norm_type: the p of that length.
        scale_grad_by_freq: divide gradients by how often a row was looked up.
        sparse: sparse gradients, which are not there: False only.

    Raises:
        IndexError: when an index is no row.
        RuntimeError: when the weight is no matrix, or the indices are of another dtype.
        ValueError: when ``padding_idx`` is no row.
        NotImplementedError: for ``sparse=True``.
    """
    if sparse:
        raise NotImplementedError(
            "embedding: sparse gradients are not available; use sparse=False, whose gradient is a "
            "dense tensor of the weight's shape"
        )
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, but got shape {list(weight._array.shape)}")
    if input._dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{input._dtype.class_name}Tensor instead (while checking "
            f"arguments for embedding)"
        )
    rows = weight._array.shape[0]
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -rows <= padding_idx < rows:
            raise ValueError(
                f"Padding_idx must be within num_embeddings, got {padding_idx} for {rows} rows"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, padding_idx, scale_grad_by_freq)


def _shorten(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    with no_grad():
        used = core.unique(indices.reshape(-1)).long()
        rows = weight[used]
        lengths = core.norm(rows, norm_type, 1, True)
        factors = core.where(
            lengths > max_norm, max_norm / (lengths + 1e-7), core.ones_like(lengths)
        )
        weight[used] = rows * factors


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Vectors of zeros with a one at the index: int64 ``(*tensor, num_classes)``.

    Args:
        tensor: int64 indices.
        num_classes: the length; by default the greatest index and 1.

    Raises:
        RuntimeError: for another dtype, an index out of range, or when there is nothing to infer
            the number of classes from.
    """
    if tensor._dtype.name != "int64":
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, but got "
            f"{tensor._dtype.class_name}"
        )
    if not tensor.numel():
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return core.zeros((*tensor.shape, num_classes), dtype=core.int64, device=tensor.device)
    low, high = int(tensor.min()), int(tensor.max())
    if low < 0:
        raise RuntimeError(f"Class values must be non-negative, but got {low}")
    if num_classes == -1:
        num_classes = high + 1
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive, but got {num_classes}")
    elif high >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes, but got {high} for {num_classes} "
            "classes"
        )
    result = core.zeros((*tensor.shape, num_classes), dtype=core.int64, device=tensor.device)
    return result.scatter_(-1, tensor.unsqueeze(-1), 1)
