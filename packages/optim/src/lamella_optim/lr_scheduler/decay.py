"""Rates that are multiplied by a number now and then."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Any

from lamella_optim.lr_scheduler.scheduler import LRScheduler, group_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamella_optim.optimizer import Optimizer


class StepLR(LRScheduler):
    """``lr *= gamma`` every ``step_size`` epochs.

    Args:
        optimizer: whose rates are set.
        step_size: number of epochs between two changes.
        gamma: the factor.
        last_epoch: the epoch to go on from; -1 to start.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        rates = group_values(self.optimizer, "lr")
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return rates
        return [rate * self.gamma for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """``lr *= gamma`` at each of the epochs ``milestones``.

    Args:
        optimizer: whose rates are set.
        milestones: epochs; one that is named twice counts twice.
        gamma: the factor.
        last_epoch: the epoch to go on from; -1 to start.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        rates = group_values(self.optimizer, "lr")
        if self.last_epoch not in self.milestones:
            return rates
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [rate * factor for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """``lr *= gamma`` every epoch.

    Args:
        optimizer: whose rates are set.
        gamma: the factor.
        last_epoch: the epoch to go on from; -1 to start.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        rates = group_values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return [rate * self.gamma for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]
