"""ASGD: averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import asgd as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.asgd import asgd_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class ASGD(ListOptimizer):
    """Gradient descent that also keeps the average of the places passed, in the state ``ax``.

    With g the gradient plus ``weight_decay * param``, and t the number of the step::

        param -= eta * (g + lambd * param)
        ax += mu * (param - ax)
        eta = lr / (1 + lambd * lr * t)^alpha,  mu = 1 / max(1, t - t0)     (for the next step)

    Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        lambd: factor of a decay that goes by ``eta``.
        alpha: power by which ``eta`` falls.
        t0: the step after which places are averaged; up to it, ``ax`` is the place itself.
        weight_decay: factor of the L2 penalty.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        differentiable: let autograd record the step.
        capturable: keep the step counts on the parameters' device; for CUDA.

    Raises:
        ValueError: a negative rate or decay.
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
        etas = []
        mus = []
        averages = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["eta"] = new_step(param, group["capturable"]).fill_(float(group["lr"]))
                state["mu"] = new_step(param, group["capturable"]).fill_(1.0)
                state["ax"] = zeros_like(param)
            steps.append(state["step"])
            etas.append(state["eta"])
            mus.append(state["mu"])
            averages.append(state["ax"])
        lambd = group["lambd"]
        arguments = (
            params, grads, averages, [eta.item() for eta in etas], [mu.item() for mu in mus],
            lambd, group["weight_decay"], group["maximize"],
        )  # fmt: skip
        if group["differentiable"]:
            run_recorded(kernels.asgd, *arguments)
        else:
            asgd_step(*arguments)
        lr = number(group["lr"])
        for count, eta, mu in zip(advance(steps), etas, mus, strict=True):
            eta.fill_(lr / (1 + lambd * lr * count) ** group["alpha"])
            mu.fill_(1 / max(1, count - group["t0"]))
