"""The update of ASGD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "averages"))
def asgd_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    averages: Sequence[Tensor],
    etas: Sequence[float],
    mus: Sequence[float],
    lambd: float,
    weight_decay: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of ASGD for each parameter and its states, in place.

    ``etas`` are the rates of this step, ``mus`` the shares by which the averages move.
    """
