"""Adagrad: steps scaled by the sum of squared gradients."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import full_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_implementation, check_lr, check_not_negative
from lamella_optim.kernels import adagrad as kernels
from lamella_optim.list_optimizer import (
    ListOptimizer,
    advance,
    by_layout,
    new_step,
    number,
    step_tensors,
)
from lamella_optim.ops.adagrad import adagrad_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class Adagrad(ListOptimizer):
    """Divides the gradient by the root of the sum of its squares so far.

    With g the gradient plus ``weight_decay * param``, and t the number of the step::

        sum += g²
        param -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(sum) + eps)

    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization" (2011).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        lr_decay: how fast the rate falls.
        weight_decay: factor of the L2 penalty.
        initial_accumulator_value: what the sums begin at.
        eps: added to the denominator.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        differentiable: let autograd record the step.
        fused: accepted as ``foreach``; excludes ``foreach`` and ``differentiable``.

    Raises:
        ValueError: a negative rate, decay, ``eps`` or first sum.
        RuntimeError: ``fused`` together with ``differentiable`` or ``foreach``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach=foreach, fused=fused, differentiable=differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self._start(group, param)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("fused", None)
        step_tensors(self)

    def share_memory(self) -> None:
        """Moves the states into memory that other processes share; starts those there are not."""
        for group in self.param_groups:
            for param in group["params"]:
                if not self.state[param]:
                    self._start(group, param)
                for value in self.state[param].values():
                    value.share_memory_()

    @staticmethod
    def _filled(param: Tensor, value: Any) -> Tensor:
        """A state of that value; both parts of a complex one have it."""
        value = float(value)
        return full_like(param, complex(value, value) if param.is_complex() else value)

    def _start(self, group: dict[str, Any], param: Tensor) -> None:
        state = self.state[param]
        state["step"] = new_step(param, bool(group["fused"]))
        state["sum"] = self._filled(param, group["initial_accumulator_value"])

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        params, grads, sparse = by_layout(params, grads)
        for param, grad in sparse:
            self._update_sparse(group, param, grad)
        if not params:
            return
        states = self.state
        steps = []
        sums = []
        for param in params:
            state = states[param]
            if not state:
                self._start(group, param)
            steps.append(state["step"])
            sums.append(state["sum"])
        recorded = group["differentiable"]
        lr = group["lr"] if recorded else number(group["lr"])
        arguments = (
            params, grads, sums, advance(steps), lr, group["lr_decay"], group["eps"],
            group["weight_decay"], group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.adagrad, *arguments)
        else:
            adagrad_step(*arguments)

    def _update_sparse(self, group: dict[str, Any], param: Tensor, grad: Tensor) -> None:
        """Moves the elements that a sparse gradient has."""
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        state = self.state[param]
        if not state:
            self._start(group, param)
        (count,) = advance([state["step"]])
        whole = grad.coalesce()
        place = tuple(whole._indices())
        values = -whole._values() if group["maximize"] else whole._values()
        total = state["sum"][place] + values * values
        state["sum"][place] = total
        rate = number(group["lr"]) / (1 + (count - 1) * group["lr_decay"])
        param[place] -= rate * values / (total.sqrt() + group["eps"])
