"""CyclicLR: up and down between two rates."""

from __future__ import annotations

import math
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

from lamella_optim.lr_scheduler.momentum import set_momentum, start_momentum, uses_beta1
from lamella_optim.lr_scheduler.scheduler import (
    LRScheduler,
    check_optimizer,
    per_group,
    set_group_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_optim.optimizer import Optimizer


class CyclicLR(LRScheduler):
    """From ``base_lr`` along a line to ``max_lr`` and back, over and over; a step for each batch.

    Smith, "Cyclical Learning Rates for Training Neural Networks" (2017). The height of a cycle is
    ``(max_lr - base_lr) * scale_fn(x)``; with ``cycle_momentum`` the momentum goes down from
    ``max_momentum`` while the rate goes up.

    Args:
        optimizer: whose rates are set.
        base_lr, max_lr: the lowest and highest rate, or a list of one for each group.
        step_size_up: number of steps upwards.
        step_size_down: number of steps downwards; as many as upwards by default.
        mode: "triangular", all cycles alike; "triangular2", each half as high as the one before;
            "exp_range", scaled by ``gamma ** steps``. Without effect where ``scale_fn`` is given.
        gamma: of "exp_range".
        scale_fn: gives the scale of the height.
        scale_mode: whether ``scale_fn`` takes the number of the "cycle", from 1, or the number of
            "iterations".
        cycle_momentum: whether the momentum is set as well.
        base_momentum, max_momentum: its lowest and highest value, or a list of one for each group.
        last_epoch: the step to go on from; -1 to start.

    Raises:
        ValueError: an unknown mode, a list whose length is not the number of groups, or an
            optimizer without momentum where that is to be set.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, base_lrs, strict=True):
                set_group_value(group, "lr", low)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode: str = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = uses_beta1(optimizer)
            self.base_momentums, self.max_momentums = start_momentum(
                optimizer, self.use_beta1, base_momentum, max_momentum, last_epoch
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The scale of the height at cycle or step ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma**x

    def get_lr(self) -> list[Any]:
        """The rates of step ``last_epoch``, one for each group; sets the momentum on the way."""
        self._warn_outside_step()
        cycles = self.last_epoch / self.total_size
        cycle = math.floor(1 + cycles)
        within = 1.0 + cycles - cycle
        if within <= self.step_ratio:
            height = within / self.step_ratio
        else:
            height = (within - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                set_momentum(group, self.use_beta1, high - (high - low) * height * scale)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer; of ``scale_fn``, the attributes if it is a callable
        object, and None if it is a function."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        if function is not None and not isinstance(function, FunctionType):
            function = dict(function.__dict__)
        else:
            function = None
        state["_scale_fn_custom"] = function
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned."""
        attributes = state_dict["_scale_fn_custom"]
        rest = {name: each for name, each in state_dict.items() if name != "_scale_fn_custom"}
        super().load_state_dict(rest)
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)
