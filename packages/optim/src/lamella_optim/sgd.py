"""SGD: stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_implementation, check_lr
from lamella_optim.kernels import sgd as kernels
from lamella_optim.list_optimizer import ListOptimizer, by_layout, number
from lamella_optim.ops.sgd import sgd_momentum_step, sgd_step
from lamella_optim.optimizer import Params
from lamella_optim.recorded import run_recorded


class SGD(ListOptimizer):
    """Gradient descent: ``param -= lr * grad``, or along a running sum of gradients.

    With ``momentum`` μ, ``dampening`` τ and g the gradient plus ``weight_decay * param``::

        buffer = μ * buffer + (1 - τ) * g        (the first time: buffer = g)
        param -= lr * buffer                     (nesterov: lr * (g + μ * buffer))

    Nesterov's form is that of Sutskever, Martens, Dahl and Hinton, "On the importance of
    initialization and momentum in deep learning" (2013).

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        momentum: the share of the buffer that is kept; 0 for no buffer.
        dampening: the share of the gradient that is left out of the buffer.
        weight_decay: factor of the L2 penalty.
        nesterov: step along the gradient at the place the momentum leads to.
        maximize: go up instead of down.
        foreach: accepted; there is one implementation, over lists.
        differentiable: let autograd record the step.
        fused: accepted as ``foreach``; excludes both of the above.

    Raises:
        ValueError: a negative rate, momentum or decay, or Nesterov's form without momentum or with
            dampening.
        RuntimeError: ``fused`` together with ``differentiable`` or ``foreach``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_implementation(foreach=foreach, fused=fused, differentiable=differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        params, grads, sparse = by_layout(params, grads)
        for param, grad in sparse:
            self._update_sparse(group, param, grad)
        if not params:
            return
        recorded = group["differentiable"]
        lr, weight_decay = group["lr"], group["weight_decay"]
        if not recorded:
            lr, weight_decay = number(lr), number(weight_decay)
        momentum = group["momentum"]
        if momentum == 0:
            if recorded:
                run_recorded(kernels.sgd, params, grads, lr, weight_decay, group["maximize"])
            else:
                sgd_step(params, grads, lr, weight_decay, group["maximize"])
            return
        states = self.state
        buffers = []
        fresh = []
        for param in params:
            state = states[param]
            buffer = state.get("momentum_buffer")
            fresh.append(buffer is None)
            if buffer is None:
                buffer = state["momentum_buffer"] = zeros_like(param)
            buffers.append(buffer)
        arguments = (
            params, grads, buffers, fresh, lr, momentum, group["dampening"], weight_decay,
            group["nesterov"], group["maximize"],
        )  # fmt: skip
        if recorded:
            run_recorded(kernels.sgd_momentum, *arguments)
        else:
            sgd_momentum_step(*arguments)

    def _update_sparse(self, group: dict[str, Any], param: Tensor, grad: Tensor) -> None:
        """Steps along a sparse gradient; its momentum buffer is sparse, too."""
        if group["weight_decay"] != 0:
            raise RuntimeError(
                "SGD: weight_decay needs a dense gradient, but this one is sparse; use "
                "sparse=False in the embedding, or weight_decay=0 for its group"
            )
        if group["maximize"]:
            grad = -grad
        momentum = group["momentum"]
        if momentum:
            state = self.state[param]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        param.add_(grad, alpha=-number(group["lr"]))
