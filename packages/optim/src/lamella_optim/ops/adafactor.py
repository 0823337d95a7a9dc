"""The update of Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False, mutates=("params", "row_vars", "col_vars", "variances"))
def adafactor_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    row_vars: Sequence[Tensor],
    col_vars: Sequence[Tensor],
    variances: Sequence[Tensor],
    steps: Sequence[float],
    lr: float,
    beta2_decay: float,
    eps1: float | None,
    eps2: float,
    d: float,
    weight_decay: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of Adafactor for each parameter and its second moments, in place.

    All parameters have two or more dimensions and ``variances`` is empty, or all have fewer and
    ``row_vars`` and ``col_vars`` are. ``steps`` counts from 1.
    """
