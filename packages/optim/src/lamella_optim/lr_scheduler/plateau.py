"""ReduceLROnPlateau: lower rates when a measure gets no better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from lamella_optim.lr_scheduler.scheduler import (
    LRScheduler,
    check_optimizer,
    group_values,
    set_group_value,
    warn_of_epoch,
)

if TYPE_CHECKING:
    from lamella_optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """``lr *= factor`` after more than ``patience`` epochs in which a measure got no better.

    Args:
        optimizer: whose rates are set.
        mode: "min" where lower is better, "max" where higher is.
        factor: below 1.
        patience: how many epochs without progress are let pass.
        threshold: what counts as progress.
        threshold_mode: "rel" for a change by ``threshold`` times the best value so far, "abs" for a
            change by ``threshold``.
        cooldown: number of epochs after a reduction in which nothing is counted.
        min_lr: the lowest rate, or a list of one for each group.
        eps: changes of the rate that are not above this are left out.

    Raises:
        ValueError: ``factor`` is not below 1, an unknown mode, or a list whose length is not the
            number of groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        self.factor = factor
        check_optimizer(optimizer)
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        self.default_min_lr: float | None
        if isinstance(min_lr, (list, tuple)):
            if len(min_lr) != count:
                raise ValueError(f"expected {count} min_lrs, got {len(min_lr)}")
            self.default_min_lr = None
            self.min_lrs = list(min_lr)
        else:
            self.default_min_lr = min_lr
            self.min_lrs = [min_lr] * count
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = group_values(optimizer, "lr")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        """Forgets the measures seen so far."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Takes the epoch's measure, and lowers the rates where it is time.

        Args:
            metrics: a number, or a tensor of one element.
            epoch: deprecated; the number of the epoch.
        """
        current = float(metrics)
        if epoch is None:
            epoch = self.last_epoch + 1
        else:
            warn_of_epoch(stacklevel=2)
        self.last_epoch = epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = group_values(self.optimizer, "lr")

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        added = len(groups) - len(self.min_lrs)
        if added:
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from "
                    f"when `ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), and `min_lr` "
                    f"was a list: set `min_lrs` to one rate for each group."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                set_group_value(group, "lr", new)

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are let pass after a reduction."""
        return self.cooldown_counter > 0

    def _is_better(self, current: float, best: float) -> bool:
        if self.threshold_mode == "rel":
            if self.mode == "min":
                return current < best * (1.0 - self.threshold)
            return current > best * (self.threshold + 1.0)
        if self.mode == "min":
            return current < best - self.threshold
        return current > best + self.threshold
