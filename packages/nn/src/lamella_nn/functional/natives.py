"""PyTorch's functions at the top level that give what gradients need beside the result.

``torch.native_layer_norm`` and its like return the statistics, too, and ``torch.embedding_bag`` the
bags that the indices are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core.composite import checked as _checked
from lamella_core.conventions.results import write_outs
from lamella_nn.functional import normalization
from lamella_nn.functional.arguments import listed
from lamella_nn.functional.embedding import bags, check_integer, shorten
from lamella_nn.ops import normalization as ops

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = [
    "embedding_bag", "embedding_renorm_", "native_batch_norm", "native_group_norm",
    "native_layer_norm",
]  # fmt: skip

_MODES = ("sum", "mean", "max")


def native_layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`nn.functional.layer_norm`, the mean and ``1 / sqrt(variance + eps)``.

    The statistics keep the dimensions that they are over, with size 1. They are of the type of the
    parameters, the input's where there are none.

    Raises:
        RuntimeError: when the shapes do not fit.
    """
    sizes = normalization.normalized_sizes(input, normalized_shape, weight, bias)
    normalization.check_types(input, weight, bias)
    result, mean, rstd = ops.native_layer_norm(input, sizes, weight, bias, eps)
    return _typed(input, weight, bias, result.contiguous(), mean.detach(), rstd.detach())


def native_group_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`nn.functional.group_norm`, each group's mean and ``1 / sqrt(variance + eps)``.

    Args:
        input: ``(N, C, *places)``.
        weight, bias: ``(C,)`` or None.
        N, C, HxW: the sizes; the last one is of all places together.
        group: the number of groups.
        eps: what is added to the variance.

    Raises:
        RuntimeError: when the sizes do not fit.
    """
    if input.numel() != N * C * HxW:
        raise RuntimeError(
            f"native_group_norm: expected an input of {N} * {C} * {HxW} elements, got "
            f"{listed(input._array.shape)}"
        )
    normalization.check_groups(input, group, weight, bias)
    result, mean, variance = ops.native_group_norm(input, group, weight, bias, eps)
    # Here alone PyTorch lets gradients go through the statistics, too.
    return _typed(input, weight, bias, result, mean, (variance + eps).rsqrt())


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """:func:`nn.functional.batch_norm`, each channel's mean and ``1 / sqrt(variance + eps)``.

    The statistics are empty in evaluation.

    Raises:
        ValueError: in training, when a channel has one value only.
        RuntimeError: when sizes do not fit, or running statistics are missing in evaluation.
    """
    arguments = (running_mean, running_var, weight, bias, training, momentum, eps)
    result, mean, variance = normalization.batch_norm_with_statistics(input, *arguments)
    if mean is None or variance is None:
        kind = core.float32 if weight is None else weight.dtype
        none = core.empty(0, dtype=kind, device=input.device)
        results = result, none, none.clone()
    else:
        rstd = (variance.detach() + eps).rsqrt()
        results = _typed(input, weight, bias, result, mean.detach(), rstd)
    return results if out is None else write_outs("native_batch_norm", results, out, input)


def _typed(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    result: Tensor,
    mean: Tensor,
    rstd: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    first = weight if weight is not None else bias
    kind = input.dtype if first is None else first.dtype
    return result, mean.to(kind), rstd.to(kind)


def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """:func:`nn.functional.embedding_bag`; the weight stands first, the mode is a number here.

    Args:
        weight: ``(rows, features)``.
        indices: int64 or int32, all bags' one after the other.
        offsets: where each bag starts.
        mode: 0 for sums, 1 for means, 2 for maxima.

    Returns:
        The result; the bag of each index (empty where sums do not need it); how many indices count
        in each bag (zeros for sums); the row that each maximum is from (the same again but for
        maxima).

    Raises:
        RuntimeError: for another mode, and as the function without statistics.
    """
    if mode not in (0, 1, 2):
        raise RuntimeError(
            f"embedding_bag: `mode` must be 0 (sum), 1 (mean) or 2 (max), not {mode}"
        )
    indices = indices.reshape(-1)
    result, chosen, padding = bags(
        indices, weight, offsets, scale_grad_by_freq, _MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    count = len(offsets) - include_last_offset
    if mode == 0 and padding_idx is None:
        of_index = offsets.new_empty(0)
    else:
        of_index = core.bucketize(
            core.arange(len(indices), device=indices.device), offsets[:count].long(), right=True
        )
        of_index = (of_index - 1).to(offsets.dtype)
    if mode == 0:
        zeros = core.zeros_like(offsets)
        return result, of_index, zeros, zeros.clone()
    counted = (indices != padding).to(offsets.dtype)
    sizes = offsets.new_zeros(count).index_add_(0, of_index.long(), counted)
    rows = sizes.clone() if mode == 1 else chosen.clamp(min=0).to(offsets.dtype)
    return result, of_index, sizes, rows


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Shortens rows of ``input`` that are longer than ``max_norm`` to that length, in place.

    Args:
        input: ``(rows, features)``.
        indices: int64 or int32, the rows that are looked at.
        max_norm: the length.
        norm_type: the p of the norm.

    Raises:
        RuntimeError: for indices of another dtype.
        IndexError: when an index is no row.
    """
    check_integer("embedding_renorm_", "indices", 2, indices)
    shorten(input, indices, max_norm, norm_type)
    return input


for _name in __all__:
    globals()[_name] = _checked(globals()[_name], renames=False)
