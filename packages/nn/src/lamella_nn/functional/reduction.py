"""How losses are reduced, and the two old arguments that ``reduction`` stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd import rename
from lamella_core.warning import warn

if TYPE_CHECKING:
    from lamella_core import Tensor

REDUCTIONS = ("none", "mean", "sum")


def read_reduction(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """The reduction, the deprecated arguments having precedence; ``elementwise_mean`` is old.

    Raises:
        ValueError: when it is none of ``none``, ``mean``, ``sum``.
    """
    if size_average is not None or reduce is not None:
        each = reduce is not None and not reduce
        mean = size_average is None or size_average
        reduction = "none" if each else "mean" if mean else "sum"
        warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' "
            f"instead."
        )
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return "mean"
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{reduction} is not a valid value for reduction; expected one of "
            f"{', '.join(map(repr, REDUCTIONS))}"
        )
    return reduction


def reduced(losses: Tensor, reduction: str, name: str | None = None) -> Tensor:
    """The losses themselves, their mean or their sum.

    Args:
        name: PyTorch's name of the node of the whole loss, of losses that an op made just now.
    """
    if reduction == "mean":
        losses = losses.mean()
    elif reduction == "sum":
        losses = losses.sum()
    return losses if name is None or losses._graph is None else rename(losses, name)
