"""OneCycleLR: once up and down again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lamella_optim.lr_scheduler.annealing import anneal, check_strategy
from lamella_optim.lr_scheduler.momentum import set_momentum, start_momentum, uses_beta1
from lamella_optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, per_group

if TYPE_CHECKING:
    from lamella_optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """From a low rate up to ``max_lr``, and down to one far lower; a step for each batch.

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates" (2019). With ``cycle_momentum`` the momentum goes the other way.

    Args:
        optimizer: whose rates are set.
        max_lr: the highest rate, or a list of one for each group.
        total_steps: number of steps in all, or
        epochs, steps_per_epoch: the two numbers whose product it is.
        pct_start: the share of the steps that go upwards.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum is set as well.
        base_momentum, max_momentum: its lowest and highest value, or a list of one for each group.
        div_factor: the first rate is ``max_lr / div_factor``.
        final_div_factor: the last rate is the first one divided by this.
        three_phase: go down to the first rate in as many steps as up, then to the last one.
        last_epoch: the step to go on from; -1 to start.

    Raises:
        ValueError: numbers of steps that are missing or no integers above 0, ``pct_start`` no float
            in [0, 1], an unknown strategy, a list whose length is not the number of groups, an
            optimizer without momentum where that is to be set; by ``step``, more steps than
            ``total_steps``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        check_strategy(anneal_strategy)
        self._anneal_func_type = anneal_strategy
        highest = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer)
            start_momentum(optimizer, self.use_beta1, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of step ``last_epoch``, one for each group; sets the momentum on the way."""
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (step - start) / (end - start)
        strategy = self._anneal_func_type
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(anneal(strategy, group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                first, last = group[phase["start_momentum"]], group[phase["end_momentum"]]
                set_momentum(group, self.use_beta1, anneal(strategy, first, last, share))
        return rates


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        _check_count("total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    _check_count("epochs", epochs)
    _check_count("steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The parts of the schedule, by the names of the numbers in the groups that they lead to."""
    top = float(pct_start * total_steps) - 1
    if not three_phase:
        return [
            _phase(top, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum")),
            _phase(total_steps - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum")),
        ]
    bottom = float(2 * pct_start * total_steps) - 2
    return [
        _phase(top, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum")),
        _phase(bottom, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum")),
        _phase(total_steps - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
    ]


def _phase(end_step: float, rates: tuple[str, str], momentums: tuple[str, str]) -> dict[str, Any]:
    return {
        "end_step": end_step,
        "start_lr": rates[0],
        "end_lr": rates[1],
        "start_momentum": momentums[0],
        "end_momentum": momentums[1],
    }
