"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_betas, check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import nadam as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.nadam import nadam_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class NAdam(ListOptimizer):
    """Adam with Nesterov's momentum.

    With g the gradient plus ``weight_decay * param``, t the number of the step, and the averages of
    :class:`Adam`::

        mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2),  M_t = mu_1 * ... * mu_t
        step = mu_(t+1) * exp_avg / (1 - M_(t+1)) + (1 - mu_t) * g / (1 - M_t)
        param -= lr * step / (sqrt(exp_avg_sq / (1 - beta2^t)) + eps)

    Dozat, "Incorporating Nesterov Momentum into Adam" (2016).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        betas: the shares of the two averages that are kept.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        momentum_decay: how fast the momentum rises to ``beta1``.
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
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_not_negative("momentum_decay value", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
        step_tensors(self)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if group["capturable"]:
            check_capturable(params)
        states = self.state
        steps = []
        products = []
        exp_avgs = []
        exp_avg_sqs = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["mu_product"] = new_step(param, group["capturable"]).fill_(1.0)
                state["exp_avg"] = zeros_like(param)
                state["exp_avg_sq"] = zeros_like(param)
            steps.append(state["step"])
            products.append(state["mu_product"])
            exp_avgs.append(state["exp_avg"])
            exp_avg_sqs.append(state["exp_avg_sq"])
        beta1, beta2 = group["betas"]
        momentum_decay = group["momentum_decay"]
        counts = advance(steps)
        totals = []
        for product, count in zip(products, counts, strict=True):
            product.mul_(kernels.momentum_of(count, beta1, momentum_decay))
            totals.append(product.item())
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, exp_avgs, exp_avg_sqs, totals, counts, lr, beta1, beta2, group["eps"],
            group["weight_decay"], momentum_decay, group["decoupled_weight_decay"],
            group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.nadam, *arguments)
        else:
            nadam_step(*arguments)
