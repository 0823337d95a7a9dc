"""Rates along a cosine, with and without restarts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_optim.lr_scheduler.scheduler import LRScheduler, group_values

if TYPE_CHECKING:
    from lamella_optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """``eta_min + (initial_lr - eta_min) * (1 + cos(π epoch / T_max)) / 2``.

    Computed step by step, so that changes that others make to the rate stay in it. Loshchilov and
    Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), without the restarts.

    Args:
        optimizer: whose rates are set.
        T_max: number of epochs from the highest rate to the lowest.
        eta_min: the lowest rate.
        last_epoch: the epoch to go on from; -1 to start.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        rates = group_values(self.optimizer, "lr")
        epoch, span, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return rates
        if self._step_count == 1 and epoch > 0:
            return self._get_closed_form_lr()
        if (epoch - 1 - span) % (2 * span) == 0:
            # The factor below is 0 / 0 where the rate turns upwards again.
            rise = (1 - math.cos(math.pi / span)) / 2
            return [
                rate + (base - low) * rise for base, rate in zip(self.base_lrs, rates, strict=True)
            ]
        now = 1 + math.cos(math.pi * epoch / span)
        before = 1 + math.cos(math.pi * (epoch - 1) / span)
        return [now / before * (rate - low) + low for rate in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        low = self.eta_min
        wave = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [low + (base - low) * wave / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """``eta_min + (initial_lr - eta_min) * (1 + cos(π T_cur / T_i)) / 2``, over and over.

    ``T_cur`` counts the epochs since the last restart; after ``T_i`` of them it is 0 again.
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017).

    Args:
        optimizer: whose rates are set.
        T_0: number of epochs until the first restart.
        T_mult: the factor by which ``T_i`` grows at each restart.
        eta_min: the lowest rate.
        last_epoch: the epoch to go on from; -1 to start.

    Raises:
        ValueError: ``T_0`` or ``T_mult`` is no integer above 0, or ``eta_min`` no number.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates at ``T_cur``, one for each group."""
        self._warn_outside_step()
        wave = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * wave / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Goes on to the next epoch, or to ``epoch``, and sets the rates.

        Args:
            epoch: may be a fraction, as ``epoch + batch / batches`` for a rate for each batch.

        Raises:
            ValueError: ``epoch`` is negative.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._place(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set_rates(rates)

    def _place(self, epoch: float) -> None:
        """Sets ``T_cur`` and ``T_i`` for an epoch."""
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:
            restarts = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            grown = self.T_mult**restarts
            self.T_cur = epoch - self.T_0 * (grown - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * grown
