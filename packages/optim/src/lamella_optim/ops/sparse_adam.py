"""The update of SparseAdam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "exp_avgs", "exp_avg_sqs"))
def sparse_adam_step(
    params: Sequence[Tensor],
    indices: Sequence[Tensor],
    values: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_avg_sqs: Sequence[Tensor],
    steps: Sequence[int],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of Adam for the elements that the gradients have, in place.

    ``indices`` and ``values`` are those of coalesced gradients. ``steps`` counts from 1.
    """
