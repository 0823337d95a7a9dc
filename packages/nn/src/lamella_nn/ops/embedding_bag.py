"""Look-ups that are summed up by bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(reduced_precision=True, method=False)
def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    per_sample_weights: Tensor | None,
    mode: str,
    padding_idx: int,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
    sparse: bool,
) -> tuple[Tensor, Tensor]:
    """Sums, means or maxima of the rows of ``weight`` that each bag of ``indices`` names.

    Args:
        weight: ``(rows, features)``.
        indices: int64 or int32, ``(bags, length)``; or ``(total,)`` with offsets.
        offsets: where each bag starts, never falling; bags of one length when None.
        per_sample_weights: a factor for each index.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        padding_idx: an index that does not count; -1 for none.
        scale_grad_by_freq: whether gradients are divided by how often a row was looked up.
        include_last_offset: whether the last offset is the end of the last bag.
        sparse: whether the gradient of ``weight`` is a sparse tensor.

    Returns:
        ``(bags, features)``, zero for an empty bag; and, for ``"max"``, the row that each element
        is from (-1 in an empty bag), otherwise an empty int64 tensor.

    Raises:
        RuntimeError: when an index is no row, or the offsets do not start at 0, fall, or go
            beyond the end.
    """


@arrays(reduced_precision=True, method=False)
def embedding_bag_backward(
    grad_output: Tensor,
    indices: Tensor,
    offsets: Tensor | None,
    per_sample_weights: Tensor | None,
    chosen: Tensor,
    rows: int,
    mode: str,
    padding_idx: int,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
) -> Tensor:
    """The gradient of ``embedding_bag`` to its weight, ``(rows, features)``."""
