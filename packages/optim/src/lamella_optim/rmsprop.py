"""RMSprop: steps scaled by a running average of squared gradients."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_capturable, check_lr, check_not_negative
from lamella_optim.kernels import rmsprop as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.rmsprop import rmsprop_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class RMSprop(ListOptimizer):
    """Divides the gradient by the root of the running mean of its square.

    With g the gradient plus ``weight_decay * param``::

        square_avg = alpha * square_avg + (1 - alpha) * g²
        step = g / (sqrt(square_avg) + eps)
        param -= lr * step              (with momentum: lr * buffer, of
                                         buffer = momentum * buffer + step)

    Tieleman and Hinton, "Lecture 6.5: RMSProp" (2012). ``centered`` subtracts the square of the
    mean gradient from ``square_avg``: Graves, "Generating Sequences With Recurrent Neural
    Networks" (2013).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        alpha: the share of the average that is kept.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        momentum: the share of the buffer that is kept; 0 for no buffer.
        centered: divide by an estimate of the standard deviation.
        capturable: keep the step counts on the parameters' device; for CUDA.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        differentiable: let autograd record the step.

    Raises:
        ValueError: a negative rate, ``eps``, momentum, decay or ``alpha``.
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("alpha value", alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("momentum", 0)
            group.setdefault("centered", False)
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)
        step_tensors(self)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if group["capturable"]:
            check_capturable(params)
        momentum = group["momentum"]
        centered = group["centered"]
        states = self.state
        steps = []
        square_avgs = []
        buffers = []
        means = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["square_avg"] = zeros_like(param)
                if momentum > 0:
                    state["momentum_buffer"] = zeros_like(param)
                if centered:
                    state["grad_avg"] = zeros_like(param)
            steps.append(state["step"])
            square_avgs.append(state["square_avg"])
            if momentum > 0:
                buffers.append(state["momentum_buffer"])
            if centered:
                means.append(state["grad_avg"])
        advance(steps)
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, square_avgs, buffers, means, lr, group["alpha"], group["eps"],
            group["weight_decay"], momentum, group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.rmsprop, *arguments)
        else:
            rmsprop_step(*arguments)
