"""Muon: momentum, orthogonalized by Newton-Schulz iterations."""

from __future__ import annotations

from typing import Any

from lamella_core.ops.creation_likes import zeros_like
from lamella_core.tensor import Tensor
from lamella_optim.kernels import muon as kernels  # noqa: F401  (registers the kernel)
from lamella_optim.list_optimizer import ListOptimizer, number
from lamella_optim.ops.muon import muon_step
from lamella_optim.optimizer import Params


class Muon(ListOptimizer):
    """Steps along the nearest semi-orthogonal matrix to the momentum.

    For the matrices of hidden layers; biases, embeddings and the like belong to another optimizer.
    With NS the iteration ``X = a X + (b X Xᵀ + c (X Xᵀ)²) X`` from ``X = M / max(|M|, eps)``::

        buffer += (1 - momentum) * (grad - buffer)
        M       = grad + momentum * (buffer - grad)     (without nesterov: buffer)
        param  -= lr * weight_decay * param
        param  -= lr * scale * NS(M)

    ``scale`` is ``sqrt(max(1, rows / columns))``, or ``0.2 * sqrt(max(rows, columns))``. Jordan,
    "Muon: An optimizer for hidden layers in neural networks" (2024); the second scale is of Liu et
    al., "Muon is Scalable for LLM Training" (2025).

    Args:
        params: matrices, pairs of name and matrix, or dicts that define groups.
        lr: learning rate; may be a tensor of one element.
        weight_decay: the share of the parameters, times ``lr``, that is taken off them.
        momentum: the share of the buffer that is kept.
        nesterov: look one step ahead.
        ns_coefficients: a, b and c.
        eps: the least norm that a matrix is divided by.
        ns_steps: number of iterations, below 100.
        adjust_lr_fn: "original" (also by None) or "match_rms_adamw": which scale.

    Raises:
        ValueError: a negative rate, momentum or decay, a parameter that is no matrix, or an unknown
            scale; by ``step``, for 100 iterations or more, or other than three coefficients.
        RuntimeError: by ``step``, for complex parameters.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (
            ("Learning rate", lr),
            ("momentum", momentum),
            ("weight decay", weight_decay),
        ):
            if not 0.0 <= value:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{param.size()}"
                    )

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        if any([param.is_complex() for param in params]):
            raise RuntimeError("Muon does not support complex parameters")
        if group["ns_steps"] >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        buffers = []
        for param, grad in zip(params, grads, strict=True):
            state = self.state[param]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = zeros_like(grad)
            buffers.append(state["momentum_buffer"])
        muon_step(
            params, grads, buffers, number(group["lr"]), number(group["weight_decay"]),
            group["momentum"], group["nesterov"], tuple(group["ns_coefficients"]), group["eps"],
            group["ns_steps"], group["adjust_lr_fn"] == "match_rms_adamw",
        )  # fmt: skip
