"""The update of RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "square_avgs", "momentum_buffers", "grad_avgs"))
def rmsprop_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    square_avgs: Sequence[Tensor],
    momentum_buffers: Sequence[Tensor],
    grad_avgs: Sequence[Tensor],
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of RMSprop for each parameter and its states, in place.

    ``momentum_buffers`` and ``grad_avgs`` are empty unless there is momentum, or the average is
    centered.
    """
