"""ListOptimizer: optimizers whose update of a group's parameters is one op over lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import NO_GRAD, enable_grad
from lamella_core import dtype as dtypes
from lamella_core.dispatch import modes
from lamella_core.ops.creation import zeros
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor
from lamella_optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable


class ListOptimizer(Optimizer):
    """Gathers, for each group, the parameters that have a gradient, and calls ``_update``."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates the parameters that have a gradient.

        Args:
            closure: evaluates the model again and returns the loss; run with gradients enabled.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        before = modes.bits
        if self.defaults.get("differentiable"):
            modes.bits = before & ~NO_GRAD
        else:
            modes.bits = before | NO_GRAD
        try:
            for group in self.param_groups:
                params = []
                grads = []
                for param in group["params"]:
                    grad = param._grad
                    if grad is not None:
                        params.append(param)
                        grads.append(grad)
                if params:
                    self._update(group, params, grads)
        except NotImplementedError:
            if any(grad.is_sparse for grad in grads):
                raise RuntimeError(self._refusal_of_sparse()) from None
            raise
        finally:
            modes.bits = before
        return loss

    def _refusal_of_sparse(self) -> str:
        return f"{type(self).__name__} does not support sparse gradients"

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        """Updates ``params``, all of one group, along ``grads``."""
        raise NotImplementedError


def by_layout(
    params: list[Tensor], grads: list[Tensor]
) -> tuple[list[Tensor], list[Tensor], list[tuple[Tensor, Tensor]]]:
    """The parameters and gradients where these are dense, and pairs where they are sparse."""
    for grad in grads:
        if grad.is_sparse:
            break
    else:
        return params, grads, []
    sparse = [pair for pair in zip(params, grads, strict=True) if pair[1].is_sparse]
    dense = [pair for pair in zip(params, grads, strict=True) if not pair[1].is_sparse]
    return [param for param, _ in dense], [grad for _, grad in dense], sparse


def number(value: Any) -> float:
    """A hyperparameter as a Python float; it may be a tensor of one element."""
    return value if value.__class__ is float else float(value)


def advance(steps: list[Tensor]) -> list[float]:
    """Adds one to each step count, and returns the counts."""
    counts = []
    for step in steps:
        array = step._array
        count = array.item() + 1.0
        array[()] = count
        mark_written(step)
        counts.append(count)
    return counts


def new_step(param: Tensor, on_device: bool = False) -> Tensor:
    """A step count of 0, on the CPU unless ``on_device``.

    It is float32, or float64 where that is the default type, as PyTorch's.
    """
    kind = dtypes.float64 if dtypes.defaults.floating is dtypes.float64 else dtypes.float32
    return zeros((), dtype=kind, device=param.device if on_device else "cpu")


def step_tensors(optimizer: Optimizer) -> None:
    """Turns step counts that are Python numbers, as old state dicts have them, into tensors."""
    for group in optimizer.param_groups:
        for param in group["params"]:
            state = optimizer.state.get(param)
            if state and "step" in state and not isinstance(state["step"], Tensor):
                count = float(state["step"])
                on_device = bool(group.get("capturable") or group.get("fused"))
                state["step"] = new_step(param, on_device).fill_(count)
