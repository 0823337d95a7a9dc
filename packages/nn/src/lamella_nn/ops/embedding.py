"""Look-up tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.structural import structural

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(reduced_precision=True, method=False)
def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
) -> Tensor:
    """The rows of ``weight`` at ``indices``, ``(*indices, features)``.

    Args:
        weight: ``(rows, features)``.
        indices: int64 or int32.
        padding_idx: the row whose gradient is left out; -1 for none.
        scale_grad_by_freq: whether gradients are divided by how often a row was looked up.
        sparse: whether the gradient is a sparse tensor.

    Raises:
        IndexError: when an index is no row.
    """


@arrays(method=False)
def embedding_backward(
    grad_output: Tensor, indices: Tensor, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Tensor:
    """The gradient of ``embedding`` to its weight, ``(rows, features)``."""


# For classes that are in range.
one_hot = structural()("one_hot(classes: Tensor, count: int)")
