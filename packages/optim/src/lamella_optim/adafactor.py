"""Adafactor: adaptive steps with little memory."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.kernels import adafactor as kernels  # noqa: F401  (registers the kernel)
from lamella_optim.list_optimizer import ListOptimizer, advance, new_step, number
from lamella_optim.ops.adafactor import adafactor_step
from lamella_optim.optimizer import Params


class Adafactor(ListOptimizer):
    """Steps relative to a parameter's size, scaled by factored second moments.

    With G the gradient, t the number of the step and RMS the root of the mean square::

        share = t^beta2_decay
        rate  = max(eps2, RMS(param)) * min(lr, 1 / sqrt(t))
        param -= lr * weight_decay * param
        row   += share * (mean of G² over the last dimension - row)
        col   += share * (mean of G² over the last dimension but one - col)
        V      = row * col / max(mean of row, eps1)
        U      = G / sqrt(max(V, eps1²))
        param -= rate * U / max(1, RMS(U) / d)

    Parameters of fewer than two dimensions keep V itself, moved towards G² in the same way.
    Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018); they
    have no ``lr``, and add their first epsilon to G².

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: the largest relative step, and the factor of the weight decay; may be a tensor of one
            element.
        beta2_decay: the exponent by which the averages take less and less of the new squares.
        eps: ``eps1``, the least second moment (None: the type's epsilon), and ``eps2``, the least
            size of a parameter that steps are relative to.
        d: the clipping threshold.
        weight_decay: the share of the parameters, times ``lr``, that is taken off them.
        foreach: accepted; there is one implementation, over lists.
        maximize: go up instead of down.

    Raises:
        ValueError: a negative rate, epsilon or decay, ``d`` below 1, or a positive ``beta2_decay``.
        RuntimeError: by ``step``, for complex parameters.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if any([param.is_complex() for param in params]):
            raise RuntimeError("Adafactor does not support complex parameters")
        flat: list[Any] = []
        factored: list[Any] = []
        for param, grad in zip(params, grads, strict=True):
            state = self.state[param]
            shape = param.shape
            if not state:
                state["step"] = new_step(param)
                if len(shape) > 1:
                    state["row_var"] = grad.new_zeros((*shape[:-1], 1))
                    state["col_var"] = grad.new_zeros((*shape[:-2], 1, shape[-1]))
                else:
                    state["variance"] = zeros_like(grad)
            (factored if len(shape) > 1 else flat).append((param, grad, state))
        for members, names in ((factored, ("row_var", "col_var")), (flat, ("variance",))):
            if members:
                states = [state for _, _, state in members]
                moments = [[state[name] for state in states] for name in names]
                adafactor_step(
                    [param for param, _, _ in members],
                    [grad for _, grad, _ in members],
                    *(moments if len(names) == 2 else ([], [], *moments)),
                    *([[]] if len(names) == 2 else []),
                    advance([state["step"] for state in states]),
                    number(group["lr"]),
                    group["beta2_decay"],
                    *group["eps"],
                    group["d"],
                    number(group["weight_decay"]),
                    group["maximize"],
                )
