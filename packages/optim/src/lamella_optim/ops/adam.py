"""The update of Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs"))
def adam_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    exp_avgs: Sequence[Tensor],
    exp_avg_sqs: Sequence[Tensor],
    max_exp_avg_sqs: Sequence[Tensor],
    steps: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of Adam for each parameter and its averages, in place.

    ``max_exp_avg_sqs`` is empty unless the maximum of the second average is used (AMSGrad).
    ``steps`` counts from 1. ``decoupled`` shrinks the parameters by ``lr * weight_decay`` instead
    of adding the decay to the gradients.
    """
