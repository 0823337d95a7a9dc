"""Adam: adaptive moment estimation."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_capturable, check_implementation, check_lr
from lamella_optim.kernels import adam as kernels
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number, step_tensors
from lamella_optim.ops.adam import adam_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class Adam(ListOptimizer):
    """Steps along the running mean of the gradients, scaled by that of their squares.

    With g the gradient plus ``weight_decay * param``, and t the number of the step::

        exp_avg    = beta1 * exp_avg    + (1 - beta1) * g
        exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * g²
        param -= lr * (exp_avg / (1 - beta1^t)) / (sqrt(exp_avg_sq / (1 - beta2^t)) + eps)

    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015). ``amsgrad`` is the variant
    of Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond" (2018).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        betas: the shares of the two averages that are kept, both floats or both tensors.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        amsgrad: divide by the largest second average so far.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.
        capturable: keep the step counts on the parameters' device; for CUDA.
        differentiable: let autograd record the step.
        fused: accepted as ``foreach``; excludes ``foreach`` and ``differentiable``.
        decoupled_weight_decay: as in AdamW, shrink the parameters by ``lr * weight_decay`` before
            the step, and leave the gradient alone.

    Raises:
        ValueError: a negative rate, ``eps`` or decay, or a beta outside [0, 1).
        RuntimeError: ``fused`` together with ``differentiable`` or ``foreach``.
        AssertionError: by ``step``, when ``capturable`` parameters are on the CPU.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        self._check(lr, betas, eps, weight_decay, foreach, capturable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_implementation(foreach=foreach, fused=fused, differentiable=differentiable)

    @staticmethod
    def _check(
        lr: Any, betas: Any, eps: Any, weight_decay: Any, foreach: Any, capturable: bool
    ) -> None:
        host_lists = foreach and not capturable
        if isinstance(lr, Tensor) and host_lists:
            raise ValueError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )
        check_lr(lr)
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for index in (0, 1):
            if not 0.0 <= betas[index] < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        for index in (0, 1):
            if isinstance(betas[index], Tensor):
                if host_lists:
                    raise ValueError(
                        f"betas[{index}] as a Tensor is not supported for capturable=False and "
                        f"foreach=True"
                    )
                if betas[index].numel() != 1:
                    raise ValueError(f"Tensor betas[{index}] must be 1-element")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
        step_tensors(self)

    def _refusal_of_sparse(self) -> str:
        return "Adam does not support sparse gradients, please consider SparseAdam instead"

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        amsgrad = group["amsgrad"]
        if group["capturable"]:
            check_capturable(params)
        states = self.state
        steps = []
        exp_avgs = []
        exp_avg_sqs = []
        largest = []
        for param in params:
            state = states[param]
            if not state:
                state["step"] = new_step(param, group["capturable"] or bool(group["fused"]))
                state["exp_avg"] = zeros_like(param)
                state["exp_avg_sq"] = zeros_like(param)
                if amsgrad:
                    state["max_exp_avg_sq"] = zeros_like(param)
            steps.append(state["step"])
            exp_avgs.append(state["exp_avg"])
            exp_avg_sqs.append(state["exp_avg_sq"])
            if amsgrad:
                largest.append(state["max_exp_avg_sq"])
        beta1, beta2 = group["betas"]
        lr = group["lr"]
        if group["differentiable"]:
            run_recorded(
                kernels.adam, params, grads, exp_avgs, exp_avg_sqs, largest, advance(steps), lr,
                beta1, beta2, group["eps"], group["weight_decay"],
                group["decoupled_weight_decay"], group["maximize"],
            )  # fmt: skip
        else:
            adam_step(
                params, grads, exp_avgs, exp_avg_sqs, largest, advance(steps), number(lr),
                number(beta1), number(beta2), group["eps"], number(group["weight_decay"]),
                group["decoupled_weight_decay"], group["maximize"],
            )  # fmt: skip
