"""The update of RAdam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "exp_avgs", "exp_avg_sqs"))
def radam_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_avg_sqs: Sequence[Tensor],
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of RAdam for each parameter and its states, in place.

    ``steps`` counts from 1. ``decoupled`` shrinks the parameters by ``lr * weight_decay`` instead
    of adding the decay to the gradients.
    """
