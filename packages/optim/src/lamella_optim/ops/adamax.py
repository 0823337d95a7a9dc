"""The update of Adamax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "exp_avgs", "exp_infs"))
def adamax_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_infs: Sequence[Tensor],
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of Adamax for each parameter and its states, in place.

    ``steps`` counts from 1.
    """
