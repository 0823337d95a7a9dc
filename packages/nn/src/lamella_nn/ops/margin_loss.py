"""The losses on margins between classes, of each example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(refuses="bool integer complex", method=False)
def multi_margin(
    input: Tensor, target: Tensor, weight: Tensor | None, p: int, margin: float
) -> Tensor:
    """``sum_{i != t} weight[t] max(0, margin - input[t] + input[i])^p / classes``.

    Args:
        input: ``(batch, classes)``.
        target: class indices, ``(batch,)``.
        weight: ``(classes,)`` or None.
        p: 1 or 2.
    """


@arrays(method=False)
def multi_margin_backward(
    grad_output: Tensor,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    p: int,
    margin: float,
) -> Tensor:
    """The gradient of ``multi_margin`` to its input."""


@arrays(refuses="bool integer complex", method=False)
def multilabel_margin(input: Tensor, target: Tensor) -> Tensor:
    """``sum_{j, i} max(0, 1 - (input[t_j] - input[i])) / classes``, t_j the labels, i the others.

    Args:
        input: ``(batch, classes)``.
        target: of the same shape; the labels, then -1.
    """


@arrays(method=False)
def multilabel_margin_backward(grad_output: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """The gradient of ``multilabel_margin`` to its input."""
