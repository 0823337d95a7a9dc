"""Look-up tables and one-hot vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import no_grad
from lamella_core.dispatch import LIFTED, innermost
from lamella_core.kernels.gathering import largest
from lamella_core.warning import warn
from lamella_nn.ops import embedding as ops
from lamella_nn.ops import embedding_bag as bag_ops
from lamella_nn.sparse_gradients import check_available

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


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
        sparse: whether the gradient of ``weight`` is a sparse tensor; needs lamella-sparse.

    Raises:
        IndexError: when an index is no row.
        RuntimeError: when the weight is no matrix, or the indices are of another dtype.
        ValueError: when ``padding_idx`` is no row.
        ModuleNotFoundError: for ``sparse=True`` without lamella-sparse.
    """
    if sparse:
        check_available("embedding")
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, but got shape {list(weight._array.shape)}")
    check_integer("embedding", "indices", 1, input)
    rows = weight._array.shape[0]
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings, got {padding_idx} for {rows} rows"
            )
        padding_idx %= rows
    if max_norm is not None:
        shorten(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def check_integer(op_name: str, argument: str, position: int, tensor: Tensor) -> None:
    """Raises RuntimeError unless a tensor is of int64 or int32."""
    if tensor._dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            f"Expected tensor for argument #{position} '{argument}' to have one of the following "
            f"scalar types: Long, Int; but got torch.{tensor._dtype.class_name}Tensor instead "
            f"(while checking arguments for {op_name})"
        )


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of rows of ``weight``, a bag of indices each: ``(bags, features)``.

    Args:
        input: int64 or int32: ``(bags, length)``, or all bags' indices one after the other.
        weight: ``(rows, features)``.
        offsets: for an input of one dimension: where each bag starts. An empty bag gives zeros.
        max_norm: rows that are looked up and longer are shortened to this length, in place.
        norm_type: the p of that length.
        scale_grad_by_freq: divide gradients by how often a row was looked up; not for ``"max"``.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: whether the gradient of ``weight`` is a sparse tensor; needs lamella-sparse.
        per_sample_weights: a factor for each index, for ``"sum"``.
        include_last_offset: whether ``offsets`` has one more element, the end of the last bag.
        padding_idx: an index that does not count, and whose row gets no gradient; negative ones
            count from the end.

    Raises:
        ValueError: when shapes do not fit one another, or for another mode.
        RuntimeError: when an index is no row, the offsets do not start at 0, fall or go beyond
            the end, or for other dtypes.
        NotImplementedError: for ``per_sample_weights`` but with ``"sum"``.
    """
    if weight._dtype.name == "int64" and input.is_floating_point():
        warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, input, ...)` is deprecated, and should now be "
            "`embedding_bag(input, weight, ...)`."
        )
        weight, input = input, weight
    return bags(
        input, weight, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
        include_last_offset, padding_idx, max_norm, norm_type,
    )[0]  # fmt: skip


def bags(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    scale_grad_by_freq: bool,
    mode: str,
    sparse: bool,
    per_sample_weights: Tensor | None,
    include_last_offset: bool,
    padding_idx: int | None,
    max_norm: float | None = None,
    norm_type: float = 2,
) -> tuple[Tensor, Tensor, int]:
    """The result of :func:`embedding_bag`, the rows of the maxima, and the row that does not count
    (-1 for none)."""
    shape = input._array.shape
    if per_sample_weights is not None and per_sample_weights._array.shape != shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, "
            f"then it must have the same shape as the input ({list(shape)})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    _check_bags(input, offsets)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, but got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')"
        )
    if sparse:
        check_available("embedding_bag")
    check_integer("embedding_bag", "indices", 1, input)
    if offsets is not None:
        check_integer("embedding_bag", "offsets", 1, offsets)
        if include_last_offset and not offsets.numel():
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if not weight.is_floating_point():
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: "
            f"Half, BFloat16, Float, Double; but got torch.{weight._dtype.class_name}Tensor "
            "instead (while checking arguments for embedding_bag)"
        )
    if per_sample_weights is not None and per_sample_weights._dtype is not weight._dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument "
            f"#1 'per_sample_weights'; but type torch.{weight._dtype.class_name}Tensor does not "
            f"equal torch.{per_sample_weights._dtype.class_name}Tensor (while checking arguments "
            "for embedding_bag)"
        )
    rows = weight._array.shape[0]
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -rows <= padding_idx < rows:
            raise RuntimeError(
                f"padding_idx must be within the number of embeddings, -{rows} through "
                f"{rows - 1}, but got {padding_idx}"
            )
        padding_idx %= rows
    if max_norm is not None:
        shorten(weight, input, max_norm, norm_type)
    result, chosen = bag_ops.embedding_bag(
        weight, input, offsets, per_sample_weights, mode, padding_idx, scale_grad_by_freq,
        bool(include_last_offset), sparse,
    )  # fmt: skip
    return result, chosen, padding_idx


def _check_bags(input: Tensor, offsets: Tensor | None) -> None:
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                "of fixed length sequences. However, found offsets of shape "
                f"{list(offsets.shape)}"
            )
    elif input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    elif offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    elif offsets.ndim != 1:
        raise ValueError(
            f"offsets has to be a 1D Tensor, but got Tensor of dimension {offsets.ndim}"
        )


def shorten(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Shortens the rows that are looked up and longer than ``max_norm`` to it, in place."""
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
    highest = largest(innermost(tensor)._array)
    # As an unsigned number, a negative class is beyond all others.
    if highest >= 1 << 63:
        raise RuntimeError(f"Class values must be non-negative, but got {tensor.min()}")
    if num_classes == -1:
        # One number for all examples of a batched tensor is not there to be asked for.
        num_classes = 1 + (int(tensor.max()) if tensor._key & LIFTED else highest)
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive, but got {num_classes}")
    elif highest >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes, but got {tensor.max()} for "
            f"{num_classes} classes"
        )
    if tensor._key & LIFTED:
        classes = core.arange(num_classes, device=tensor.device)
        return (tensor.unsqueeze(-1) == classes).long().contiguous()
    return ops.one_hot(tensor, num_classes)
