"""Averages of weights along the way: their schedule, and how an average is brought up to date."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from lamella_autograd.modes import no_grad
from lamella_optim.lr_scheduler.annealing import check_strategy
from lamella_optim.lr_scheduler.scheduler import LRScheduler, per_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_core.tensor import Tensor
    from lamella_optim.optimizer import Optimizer


def __getattr__(name: str) -> Any:
    if name in ("AveragedModel", "update_bn"):
        raise AttributeError(
            f"{name} is about modules, so lamella-nn has it: lamella_nn.averaging.{name}. With the "
            f"distribution lamella it is lamella.optim.swa_utils.{name}, too"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function that gives ``decay * average + (1 - decay) * current``.

    Raises:
        ValueError: ``decay`` is outside [0, 1].
    """
    _check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_ema_multi_avg_fn(
    decay: float = 0.999,
) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """A function that moves a list of averages, in place: ``average += (1 - decay) * (current -
    average)``.

    Raises:
        ValueError: ``decay`` is outside [0, 1].
    """
    _check_decay(decay)

    def ema_update(
        ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], _: Any
    ) -> None:
        _move(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function that gives the mean of ``num_averaged`` earlier weights and the current ones."""

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """A function that moves a list of means of ``num_averaged`` weights, in place."""

    def swa_update(
        averaged_param_list: Sequence[Tensor],
        current_param_list: Sequence[Tensor],
        num_averaged: Any,
    ) -> None:
        _move(averaged_param_list, current_param_list, 1 / (float(num_averaged) + 1))

    return swa_update


def _move(averages: Sequence[Tensor], currents: Sequence[Tensor], share: float) -> None:
    """``average += share * (current - average)``; integers are rounded towards zero."""
    with no_grad():
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, share)
            else:
                average.copy_(average + (current - average) * share)


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


class SWALR(LRScheduler):
    """From whatever the rates are to ``swa_lr``, within ``anneal_epochs``.

    Izmailov, Podoprikhin, Garipov, Vetrov and Wilson, "Averaging Weights Leads to Wider Optima and
    Better Generalization" (2018).

    Args:
        optimizer: whose rates are set.
        swa_lr: the rate to go to, or a list of one for each group.
        anneal_epochs: number of epochs until it is reached.
        anneal_strategy: "cos" or "linear".
        last_epoch: the epoch to go on from; -1 to start.

    Raises:
        ValueError: an unknown strategy, ``anneal_epochs`` no integer from 0 on, or a list whose
            length is not the number of groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        check_strategy(anneal_strategy)
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of the epoch, one for each group."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            if before == 1:
                start = target
            else:
                start = (group["lr"] - before * target) / (1 - before)
            rates.append(target * now + start * (1 - now))
        return rates

    def _share(self, step: int) -> float:
        """The share of the new rate after ``step`` steps."""
        passed = max(0, min(1, step / max(1, self.anneal_epochs)))
        if self._anneal_strategy == "cos":
            return (1 - math.cos(math.pi * passed)) / 2
        return passed
