"""Rprop: steps by the signs of the gradients."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import full_like, zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_capturable, check_lr
from lamella_optim.kernels import rprop as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, step_tensors
from lamella_optim.ops.rprop import rprop_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class Rprop(ListOptimizer):
    """Steps whose sizes grow while a gradient keeps its sign, and shrink when it changes.

    For each number of a parameter, ``param -= step_size * sign(grad)``, where ``step_size`` begins
    at ``lr`` and is multiplied by ``etas[1]`` when the gradient has the sign it had before, and by
    ``etas[0]`` when it has the other; then the step is left out. Riedmiller and Braun, "A Direct
    Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm" (1993).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: the first size of steps; may be a tensor of one element.
        etas: the factors of sizes that shrink and grow.
        step_sizes: the smallest and largest size.
        capturable: keep the step counts on the parameters' device; for CUDA.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        differentiable: let autograd record the step.

    Raises:
        ValueError: a negative rate, or factors that are not on both sides of 1.
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
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

    @staticmethod
    def _filled(param: Tensor, value: Any) -> Tensor:
        """A state of that value; both parts of a complex one have it."""
        value = float(value)
        return full_like(param, complex(value, value) if param.is_complex() else value)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if group["capturable"]:
            check_capturable(params)
        states = self.state
        steps = []
        prevs = []
        sizes = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"])
                state["prev"] = zeros_like(param)
                state["step_size"] = self._filled(param, group["lr"])
            steps.append(state["step"])
            prevs.append(state["prev"])
            sizes.append(state["step_size"])
        advance(steps)
        etaminus, etaplus = group["etas"]
        low, high = group["step_sizes"]
        arguments = (params, grads, prevs, sizes, etaminus, etaplus, low, high, group["maximize"])
        if group["differentiable"]:
            run_recorded(kernels.rprop, *arguments)
        else:
            rprop_step(*arguments)
