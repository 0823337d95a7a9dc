"""L-BFGS: a quasi-Newton method with limited memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import enable_grad, no_grad
from lamella_core import cat, view_as_real, zeros
from lamella_optim.checks import check_lr
from lamella_optim.line_search import MOST_ROUNDS, Point, strong_wolfe
from lamella_optim.list_optimizer import number
from lamella_optim.optimizer import Optimizer, Params

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor

# Below this, the change of the gradient along a step says nothing about the curvature.
LEAST_CURVATURE = 1e-10


class LBFGS(Optimizer):
    """Steps along ``-H g``, where H approximates the inverse of the Hessian.

    H is known by the last ``history_size`` pairs of a step s and the change y of the gradient along
    it, applied in two loops over the pairs; it begins as ``(s·y / y·y) I``. A call of ``step`` runs
    up to ``max_iter`` iterations, and so needs a closure. Nocedal, "Updating Quasi-Newton Matrices
    with Limited Storage" (1980); Liu and Nocedal, "On the limited memory BFGS method for large
    scale optimization" (1989).

    All parameters form one vector and one group. The history takes ``2 * history_size`` times the
    memory of the parameters.

    Args:
        params: tensors, or pairs of name and tensor.
        lr: the step length, or the first that the line search tries; may be a tensor of one
            element. The first iteration of all goes at most that far.
        max_iter: iterations for each call of ``step``.
        max_eval: calls of the closure for each call of ``step``; ``max_iter * 5 // 4`` by default.
        tolerance_grad: stop when no element of the gradient is larger.
        tolerance_change: stop when neither a parameter nor the loss changes by more.
        history_size: how many pairs are kept.
        line_search_fn: "strong_wolfe", or None for fixed step lengths.

    Raises:
        ValueError: a negative rate, or several parameter groups.
        RuntimeError: by ``step``, for an unknown ``line_search_fn``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    # ------------ all parameters as one vector

    def _flat_grad(self) -> Tensor:
        parts = []
        for param in self._params:
            grad = param.grad
            part = (
                zeros(param.shape, dtype=param.dtype, device=param.device) if grad is None else grad
            )
            if part.is_complex():
                part = view_as_real(part)
            parts.append(part.reshape(-1))
        return cat(parts, 0)

    def _move(self, step: float, direction: Tensor) -> None:
        """``param += step * direction``."""
        start = 0
        for param in self._params:
            target = view_as_real(param) if param.is_complex() else param
            end = start + target.numel()
            target.add_(direction[start:end].view_as(target), alpha=step)
            start = end

    def _restore(self, saved: list[Tensor]) -> None:
        for param, value in zip(self._params, saved, strict=True):
            param.copy_(value)

    # ------------ iterations

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Runs up to ``max_iter`` iterations.

        Args:
            closure: clears the gradients, evaluates the model, calls ``backward`` and returns the
                loss; run with gradients enabled.

        Returns:
            the loss before the first iteration, as the closure returned it.

        Raises:
            RuntimeError: when ``line_search_fn`` is unknown.
        """
        group = self.param_groups[0]
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(
                f"only 'strong_wolfe' is supported as line_search_fn, got {search!r}"
            )
        lr = number(group["lr"])
        smallest_change = group["tolerance_change"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> float:
            state["func_evals"] += 1
            with enable_grad():
                loss = closure()
            return float(loss)

        with enable_grad():
            first_loss = closure()
        state["func_evals"] += 1
        calls_before = state["func_evals"] - 1
        loss = float(first_loss)
        grad = self._flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss

        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, grad, group["history_size"])
            state["prev_flat_grad"] = grad
            state["prev_loss"] = loss
            step = lr
            if state["n_iter"] == 1:
                step *= min(1.0, 1.0 / float(grad.abs().sum()))
            state["t"] = step
            slope = float(grad.dot(direction))
            if slope > -smallest_change:
                break
            before = loss
            if search is None:
                self._move(step, direction)
                if iteration < group["max_iter"]:
                    loss = evaluate()
                    grad = self._flat_grad()
            else:
                saved = [param.clone() for param in self._params]

                def look(step: float, saved: Any = saved, direction: Any = direction) -> Point:
                    self._move(step, direction)
                    loss = evaluate()
                    grad = self._flat_grad()
                    self._restore(saved)
                    return Point(step, loss, grad, float(grad.dot(direction)))

                largest = float(direction.abs().max())
                start = Point(0.0, loss, grad, slope)
                left = group["max_eval"] - (state["func_evals"] - calls_before)
                best = strong_wolfe(
                    look, start, step, largest, smallest_change, min(MOST_ROUNDS, left)
                )
                step = state["t"] = best.step
                loss, grad = best.loss, best.grad
                self._move(step, direction)
            if (
                state["func_evals"] - calls_before >= group["max_eval"]
                or grad.abs().max() <= group["tolerance_grad"]
                or (direction * step).abs().max() <= smallest_change
                or abs(loss - before) < smallest_change
            ):
                break
        return first_loss

    def _direction(self, state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
        """``-H grad``; learns from the last step first."""
        if state["n_iter"] == 1:
            state["old_dirs"] = []
            state["old_stps"] = []
            state["ro"] = []
            state["H_diag"] = 1
            direction = grad.neg()
        else:
            changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
            change = grad.sub(state["prev_flat_grad"])
            last_step = state["d"].mul(state["t"])
            curvature = change.dot(last_step)
            if curvature > LEAST_CURVATURE:
                if len(changes) == history_size:
                    for kept in (changes, steps, inverses):
                        del kept[0]
                changes.append(change)
                steps.append(last_step)
                inverses.append(1.0 / curvature)
                state["H_diag"] = curvature / change.dot(change)
            direction = grad.neg()
            weights = []
            for change, step, inverse in zip(
                reversed(changes), reversed(steps), reversed(inverses), strict=True
            ):
                weight = step.dot(direction) * inverse
                direction.add_(change, alpha=-weight.item())
                weights.append(weight)
            direction = direction.mul(state["H_diag"])
            for change, step, inverse, weight in zip(
                changes, steps, inverses, reversed(weights), strict=True
            ):
                back = change.dot(direction) * inverse
                direction.add_(step, alpha=(weight - back).item())
        state["d"] = direction
        return direction
