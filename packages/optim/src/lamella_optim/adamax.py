"""Adamax: Adam by the largest gradient."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_betas, check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import adamax as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.adamax import adamax_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class Adamax(ListOptimizer):
    """Adam with a decaying maximum in the place of the second average.

    With g the gradient plus ``weight_decay * param``, and t the number of the step::

        exp_avg = beta1 * exp_avg + (1 - beta1) * g
        exp_inf = max(beta2 * exp_inf, |g| + eps)
        param -= lr / (1 - beta1^t) * exp_avg / exp_inf

    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        betas: the shares of the average and of the maximum that are kept.
        eps: added to the gradient's size.
        weight_decay: factor of the L2 penalty.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        differentiable: let autograd record the step.
        capturable: keep the step counts on the parameters' device; for CUDA.

    Raises:
        ValueError: a negative rate, ``eps`` or decay, or a beta outside [0, 1).
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
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
        exp_avgs = []
        exp_infs = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["exp_avg"] = zeros_like(param)
                state["exp_inf"] = zeros_like(param)
            steps.append(state["step"])
            exp_avgs.append(state["exp_avg"])
            exp_infs.append(state["exp_inf"])
        beta1, beta2 = group["betas"]
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, exp_avgs, exp_infs, advance(steps), lr, beta1, beta2, group["eps"],
            group["weight_decay"], group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.adamax, *arguments)
        else:
            adamax_step(*arguments)
