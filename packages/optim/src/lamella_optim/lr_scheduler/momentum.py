"""The momentum that goes against the rate in cyclic schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_optim.lr_scheduler.scheduler import per_group

if TYPE_CHECKING:
    from lamella_optim.optimizer import Optimizer


def uses_beta1(optimizer: Optimizer) -> bool:
    """Whether the first of ``betas`` is the optimizer's momentum.

    Raises:
        ValueError: the optimizer has neither ``momentum`` nor ``betas``.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
        )
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], beta1: bool, value: Any) -> None:
    """Sets a group's momentum, or the first of its ``betas``."""
    if beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def start_momentum(
    optimizer: Optimizer, beta1: bool, base_momentum: Any, max_momentum: Any, last_epoch: int
) -> tuple[list[Any], list[Any]]:
    """The lowest and highest momentum of each group; at the start, the groups get them."""
    lowest = per_group("base_momentum", optimizer, base_momentum)
    highest = per_group("max_momentum", optimizer, max_momentum)
    if last_epoch == -1:
        for group, low, high in zip(optimizer.param_groups, lowest, highest, strict=True):
            set_momentum(group, beta1, high)
            group["max_momentum"] = high
            group["base_momentum"] = low
    return lowest, highest
