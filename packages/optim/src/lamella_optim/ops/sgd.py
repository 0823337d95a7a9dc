"""The updates of SGD."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.mutation import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


@mutation(method=False)
def sgd_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    lr: float,
    weight_decay: float,
    maximize: bool,
) -> Sequence[Tensor]:
    """``param -= lr * (grad + weight_decay * param)`` for each parameter, in place."""


@mutation(method=False, mutates=("params", "momentum_buffers"))
def sgd_momentum_step(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    momentum_buffers: Sequence[Tensor],
    fresh: Sequence[bool],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> Sequence[Tensor]:
    """One step of gradient descent with momentum for each parameter and its buffer, in place.

    ``fresh`` says which buffers are still zero: their first gradient goes in undamped.
    """
