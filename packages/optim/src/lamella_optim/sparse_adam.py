"""SparseAdam: Adam for sparse gradients."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.checks import check_betas, check_lr
from lamella_optim.kernels import sparse_adam as kernels  # noqa: F401  (registers the kernel)
from lamella_optim.list_optimizer import ListOptimizer, number
from lamella_optim.ops.sparse_adam import sparse_adam_step
from lamella_optim.optimizer import Params


class SparseAdam(ListOptimizer):
    """Adam that moves only those elements, and their averages, that a sparse gradient has.

    Averages of other elements do not decay, as those of :class:`Adam` would. Parameters and
    averages are dense, gradients sparse, as an embedding with ``sparse=True`` gives them.

    Args:
        params: tensors, pairs of name and tensor, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        betas: the shares of the two averages that are kept.
        eps: added to the denominator.
        maximize: go up instead of down.

    Raises:
        ValueError: a rate or ``eps`` that is not above 0, a beta outside [0, 1), or a sparse or
            complex parameter.
        RuntimeError: by ``step``, for a dense gradient.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        super().__init__(params, defaults)
        for index, group in enumerate(self.param_groups):
            sparse = [i for i, param in enumerate(group["params"]) if param.is_sparse]
            if sparse:
                raise ValueError(
                    f"SparseAdam requires dense parameter tensors, but in group {index} those at "
                    f"indices {sparse} are sparse"
                )
            if any([param.is_complex() for param in group["params"]]):
                raise ValueError("SparseAdam does not support complex parameters")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("maximize", False)

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        indices, values, exp_avgs, exp_avg_sqs, steps = [], [], [], [], []
        for param, grad in zip(params, grads, strict=True):
            if not grad.is_sparse:
                raise RuntimeError(
                    "SparseAdam does not support dense gradients, please consider Adam instead"
                )
            state = self.state[param]
            if not state:
                state["step"] = 0
                state["exp_avg"] = zeros_like(param)
                state["exp_avg_sq"] = zeros_like(param)
            state["step"] += 1
            whole = grad.coalesce()
            indices.append(whole._indices())
            values.append(whole._values())
            exp_avgs.append(state["exp_avg"])
            exp_avg_sqs.append(state["exp_avg_sq"])
            steps.append(int(state["step"]))
        sparse_adam_step(
            params, indices, values, exp_avgs, exp_avg_sqs, steps, number(group["lr"]),
            *group["betas"], group["eps"], group["maximize"],
        )  # fmt: skip
