"""The losses that are ops of their own: those on class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(refuses="bool integer complex", method=False)
def cross_entropy_index(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Softmax and negative log-likelihood in one pass, by log-sum-exp.

    Args:
        input: scores, ``(classes,)`` or ``(batch, classes, *places)``.
        target: class indices, the input's shape less the classes.
        weight: ``(classes,)`` or None.
        reduction: ``"none"``, ``"mean"`` (over the targets' weights) or ``"sum"``.
        ignore_index: the target that counts for nothing.
        label_smoothing: the share of the target that is spread evenly over the classes.

    Returns:
        The loss, the probabilities, and the sum of the targets' weights.

    Raises:
        IndexError: when a target is no class.
    """


@arrays(method=False)
def cross_entropy_index_backward(
    grad_output: Tensor,
    probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    total: Tensor,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Tensor:
    """The gradient of ``cross_entropy_index``: ``(probabilities - target) * weight / total``."""


@arrays(refuses="bool integer complex", method=False)
def nll_loss_index(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """The negative of each target's score, weighted; and the sum of the weights.

    Raises:
        IndexError: when a target is no class.
    """


@arrays(method=False)
def nll_loss_index_backward(
    grad_output: Tensor,
    target: Tensor,
    weight: Tensor | None,
    total: Tensor,
    sizes: tuple[int, ...],
    reduction: str,
    ignore_index: int,
) -> Tensor:
    """The gradient of ``nll_loss_index``, of shape ``sizes``."""
