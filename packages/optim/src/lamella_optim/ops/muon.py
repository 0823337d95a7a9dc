"""The update of Muon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "momentum_buffers"))
def muon_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    momentum_buffers: Sequence[Tensor],
    lr: float,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    coefficients: tuple[float, float, float],
    eps: float,
    rounds: int,
    match_rms: bool,
) -> Sequence[Tensor]:
    """One step of Muon for each matrix and its buffer, in place.

    ``match_rms`` scales steps to the size of AdamW's.
    """
