"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from lamella_core.tensor import Tensor
from lamella_optim.adam import Adam
from lamella_optim.optimizer import Params


class AdamW(Adam):
    """Adam whose weight decay is apart from the gradient.

    Before the step of :class:`Adam`, ``param *= 1 - lr * weight_decay``. Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization" (2019).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: as for
            :class:`Adam`.
        weight_decay: the share, times ``lr``, by which parameters shrink in a step.

    Raises:
        ValueError, RuntimeError, AssertionError: as :class:`Adam`.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
