"""Rates that a function of the epoch gives."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from lamella_optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, group_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_optim.optimizer import Optimizer


class _FunctionLR(LRScheduler):
    """What both schedules share: the functions, and how a state holds them."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.lr_lambdas = _functions(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer; of the functions, the attributes of those that are
        callable objects, and None for functions proper."""
        state = super().state_dict()
        del state["lr_lambdas"]
        state["lr_lambdas"] = [
            None if isinstance(each, FunctionType) else dict(each.__dict__)
            for each in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what :meth:`state_dict` returned."""
        for name, value in state_dict.items():
            if name != "lr_lambdas":
                self.__dict__[name] = value
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


def _functions(optimizer: Optimizer, lr_lambda: Any) -> list[Any]:
    count = len(optimizer.param_groups)
    if not isinstance(lr_lambda, (list, tuple)):
        return [lr_lambda] * count
    if len(lr_lambda) != count:
        raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
    return list(lr_lambda)


class LambdaLR(_FunctionLR):
    """``lr = initial_lr * lr_lambda(epoch)``.

    Args:
        optimizer: whose rates are set.
        lr_lambda: a function of the epoch, or a list of them, one for each group.
        last_epoch: the epoch to go on from; -1 to start.

    Raises:
        ValueError: as many functions as there are groups were expected.
    """

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        return [
            base * function(self.last_epoch)
            for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)
        ]


class MultiplicativeLR(_FunctionLR):
    """``lr *= lr_lambda(epoch)`` at each epoch from 1 on.

    Args:
        optimizer: whose rates are set.
        lr_lambda: a function of the epoch, or a list of them, one for each group.
        last_epoch: the epoch to go on from; -1 to start.

    Raises:
        ValueError: as many functions as there are groups were expected.
    """

    def get_lr(self) -> list[Any]:
        """The rates of the epoch ``last_epoch``, one for each group."""
        self._warn_outside_step()
        rates = group_values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return [
            rate * function(self.last_epoch)
            for function, rate in zip(self.lr_lambdas, rates, strict=True)
        ]
