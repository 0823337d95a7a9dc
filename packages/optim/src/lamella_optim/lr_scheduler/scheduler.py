"""LRScheduler: what all schedules have in common but the rates themselves."""

from __future__ import annotations

import warnings
import weakref
from functools import wraps
from types import MethodType
from typing import TYPE_CHECKING, Any

from lamella_core.tensor import Tensor
from lamella_optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable


def check_optimizer(optimizer: Any) -> None:
    """Raises TypeError for anything but an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def group_values(optimizer: Optimizer, name: str) -> list[Any]:
    """An option of each group; tensors are copied, since they are changed in place."""
    values = [group[name] for group in optimizer.param_groups]
    return [each.clone() if isinstance(each, Tensor) else each for each in values]


def set_group_value(group: dict[str, Any], name: str, value: Any) -> None:
    """Sets an option of a group; a tensor stays the same tensor and gets the value."""
    old = group[name]
    if isinstance(old, Tensor):
        if isinstance(value, Tensor):
            old.copy_(value)
        else:
            old.fill_(value)
    else:
        group[name] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group, from one for all or a list of them.

    Raises:
        ValueError: a list whose length is not the number of groups.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {count}."
        )
    return list(value)


def warn_of_epoch(stacklevel: int) -> None:
    """Warns that ``step`` was told the epoch."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
        "possible: call `scheduler.step()`. With an epoch, the rate comes from the closed form "
        "where the schedule has one.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


def _track_steps(optimizer: Any) -> None:
    """Lets the optimizer remember that ``step`` was called, for the check of the order."""
    step = optimizer.step
    if getattr(step, "_wrapped_by_lr_sched", False):
        return
    # Not the bound method, which would hold the optimizer in a cycle.
    reference = weakref.ref(optimizer)
    function = step.__func__ if isinstance(step, MethodType) else _without_owner(step)

    @wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        owner: Any = reference()
        owner._opt_called = True
        return function(owner, *args, **kwargs)

    tracked._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = tracked


def _without_owner(step: Callable[..., Any]) -> Callable[..., Any]:
    """A function that was put in the place of the method ``step``, as the method."""
    return lambda _owner, *args, **kwargs: step(*args, **kwargs)


class LRScheduler:
    """Base class of schedules: sets the rate of each parameter group, epoch by epoch.

    A subclass defines :meth:`get_lr`, and perhaps ``_get_closed_form_lr``, which gives the rates of
    an epoch from ``base_lrs`` and ``last_epoch`` alone.

    Args:
        optimizer: whose groups' ``lr`` are set; the rates it has are the initial ones.
        last_epoch: the epoch to go on from; -1 to start.

    Attributes:
        base_lrs: the initial rates.
        last_epoch: the number of the epoch that the rates are for.

    Raises:
        TypeError: ``optimizer`` is none.
        KeyError: groups without ``initial_lr`` where ``last_epoch`` is not -1.
    """

    base_lrs: list[Any]
    last_epoch: int
    _last_lr: list[Any]
    # True while the constructor sets the rates of the first epoch.
    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group in optimizer.param_groups:
                rate = group["lr"]
                group.setdefault("initial_lr", rate.clone() if isinstance(rate, Tensor) else rate)
        else:
            for i, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                        f"scheduler with last_epoch >= 0: load the optimizer's state first, or "
                        f"start with last_epoch=-1"
                    )
        self.base_lrs = group_values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _track_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned; the optimizer's rates stay as they are."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that were set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group; subclasses define it."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Goes on to the next epoch, or to ``epoch``, and sets the rates.

        Call it after the optimizer's ``step``.
        """
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch(stacklevel=2)
        self._update_lr(epoch)

    def _check_order(self) -> None:
        optimizer: Any = self.optimizer
        if not hasattr(optimizer.step, "_wrapped_by_lr_sched"):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization: whether it is called before `lr_scheduler.step()`, as it should "
                "be, is not known.",
                UserWarning,
                stacklevel=3,
            )
        elif not getattr(optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. The other order "
                "is right; in this one the first learning rate is never used.",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", None)
                rates = self.get_lr() if closed_form is None else closed_form()
        finally:
            self._get_lr_called_within_step = False
        self._set_rates(rates)

    def _set_rates(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_group_value(group, "lr", rate)
        self._last_lr = group_values(self.optimizer, "lr")

    def _warn_outside_step(self) -> None:
        """Warns when :meth:`get_lr`, which calls this, was not called by :meth:`step`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )


class _LRScheduler(LRScheduler):
    """The former name of :class:`LRScheduler`."""
