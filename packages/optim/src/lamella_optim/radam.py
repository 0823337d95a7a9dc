"""RAdam: Adam that scales its steps once it can."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_betas, check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import radam as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.radam import radam_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class RAdam(ListOptimizer):
    """Adam whose steps are scaled only when the variance of the scale is known.

    With t the number of the step, and ``l = 2 / (1 - beta2) - 1``::

        l_t = l - 2 t beta2^t / (1 - beta2^t)
        r_t = sqrt((l_t - 4) (l_t - 2) l / ((l - 4) (l - 2) l_t))
        step = exp_avg / (1 - beta1^t)
        param -= lr * step                                       where l_t <= 5, and else
        param -= lr * step * r_t * sqrt(1 - beta2^t) / (sqrt(exp_avg_sq) + eps)

    Liu, Jiang, He, Chen, Liu, Gao and Han, "On the Variance of the Adaptive Learning Rate and
    Beyond" (2020).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        betas: the shares of the two averages that are kept.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        decoupled_weight_decay: as in AdamW, shrink the parameters by ``lr * weight_decay``
            before the step, and leave the gradient alone.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        capturable: keep the step counts on the parameters' device; for CUDA.
        differentiable: let autograd record the step.

    Raises:
        ValueError: a negative rate, ``eps`` or decay, or a beta outside [0, 1).
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("capturable", False)
        step_tensors(self)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if group["capturable"]:
            check_capturable(params)
        states = self.state
        steps = []
        exp_avgs = []
        exp_avg_sqs = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["exp_avg"] = zeros_like(param)
                state["exp_avg_sq"] = zeros_like(param)
            steps.append(state["step"])
            exp_avgs.append(state["exp_avg"])
            exp_avg_sqs.append(state["exp_avg_sq"])
        beta1, beta2 = group["betas"]
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, exp_avgs, exp_avg_sqs, advance(steps), lr, beta1, beta2, group["eps"],
            group["weight_decay"], group["decoupled_weight_decay"], group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.radam, *arguments)
        else:
            radam_step(*arguments)
