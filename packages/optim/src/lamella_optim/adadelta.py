"""Adadelta: steps without a scale of their own."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import adadelta as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.adadelta import adadelta_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class Adadelta(ListOptimizer):
    """Steps whose size goes by that of the steps before.

    With g the gradient plus ``weight_decay * param``::

        square_avg = rho * square_avg + (1 - rho) * g²
        delta      = sqrt(acc_delta + eps) / sqrt(square_avg + eps) * g
        acc_delta  = rho * acc_delta + (1 - rho) * delta²
        param -= lr * delta

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        rho: the share of the averages that is kept.
        eps: added to both averages.
        weight_decay: factor of the L2 penalty.
        foreach: accepted; there is one implementation, over lists.
        capturable: keep the step counts on the parameters' device; for CUDA.
        maximize: go up instead of down.
        differentiable: let autograd record the step.

    Raises:
        ValueError: a negative rate, ``eps`` or decay, or ``rho`` outside [0, 1].
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)
        step_tensors(self)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if group["capturable"]:
            check_capturable(params)
        states = self.state
        steps = []
        square_avgs = []
        acc_deltas = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["square_avg"] = zeros_like(param)
                state["acc_delta"] = zeros_like(param)
            steps.append(state["step"])
            square_avgs.append(state["square_avg"])
            acc_deltas.append(state["acc_delta"])
        advance(steps)
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, square_avgs, acc_deltas, lr, group["rho"], group["eps"],
            group["weight_decay"], group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.adadelta, *arguments)
        else:
            adadelta_step(*arguments)
