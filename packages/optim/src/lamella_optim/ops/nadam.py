"""The update of NAdam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "exp_avgs", "exp_avg_sqs"))
def nadam_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_avg_sqs: Sequence[Tensor],
    mu_products: Sequence[float],
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of NAdam for each parameter and its states, in place.

    ``steps`` counts from 1; ``mu_products`` has the products of the momentums up to this step.
    ``decoupled`` shrinks the parameters by ``lr * weight_decay`` instead of adding the decay to the
    gradients.
    """
