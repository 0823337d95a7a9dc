"""The loss of connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import rename
from lamella_core import Tensor
from lamella_core.conventions.common import anywhere
from lamella_core.dispatch import innermost
from lamella_nn.functional.reduction import read_reduction, reduced
from lamella_nn.ops.ctc import ctc_alignments

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the logarithm of the probability of a sequence of labels, over all its alignments.

    An alignment gives each step a label or the blank; without blanks and repetitions it is the
    target. The gradient is that to the scores of the log-softmax which ``log_probs`` come from.

    Args:
        log_probs: ``(steps, batch, classes)`` or ``(steps, classes)``, results of log_softmax.
        targets: ``(batch, longest)``; or ``(sum of target_lengths,)``, one target after another.
        input_lengths, target_lengths: for each of the batch.
        blank: the class of the blank.
        reduction: ``"mean"`` (of the losses, each divided by its target's length), ``"sum"`` or
            ``"none"``.
        zero_infinity: whether the loss of a target that is too long for its input, and its
            gradient, are 0; otherwise they are infinite and NaN.

    Raises:
        IndexError: when a target is no class.
        RuntimeError: when lengths or shapes do not fit, or the blank is no class.
        ValueError: when the reduction is unknown.

    A. Graves et al., "Connectionist Temporal Classification", 2006.
    """
    reduction = read_reduction(reduction, None, None)
    inputs, counts = _lengths(input_lengths, "input"), _lengths(target_lengths, "target")
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
        if targets.ndim == 1:
            targets = targets.unsqueeze(0)
    if log_probs.ndim != 3:
        raise RuntimeError(
            f"ctc_loss: log_probs: Expected 3-dimensional tensor, but got {log_probs.ndim}-"
            "dimensional tensor; it is (steps, batch, classes) or (steps, classes)"
        )
    steps, batch, classes = log_probs._array.shape
    if not log_probs._array.size:
        raise RuntimeError("log_probs tensor must not be empty")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range, 0 to {classes - 1}, but got {blank}")
    for name, given in (("input", inputs), ("target", counts)):
        if len(given) != batch:
            raise RuntimeError(
                f"{name}_lengths must be of size batch_size, {batch}, but got {len(given)}"
            )
        if min(given) < 0:
            raise RuntimeError(
                f"Expected {name}_lengths to have value at least 0, but got value {min(given)}"
            )
    if max(inputs) > steps:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {steps}, but got value {max(inputs)}"
        )
    labels = _padded(targets, counts, classes, blank).to(log_probs.device)
    losses, _ = ctc_alignments(log_probs, labels, inputs, counts, blank, zero_infinity)
    if zero_infinity:
        losses = rename(losses.masked_fill(losses.isinf(), 0), "WhereBackward0")
    if reduction == "mean":
        losses = losses / core.tensor(counts, dtype=losses.dtype, device=losses.device).clamp(min=1)
    if single and reduction == "none":
        return losses.squeeze(0)
    return reduced(losses, reduction)


def _lengths(lengths: Any, name: str) -> tuple[int, ...]:
    if isinstance(lengths, Tensor):
        if lengths._dtype.category > 1:
            raise RuntimeError(f"{name}_lengths must be integral, but got {lengths._dtype}")
        lengths = lengths.reshape(-1).tolist()
    return tuple(lengths)


def _padded(targets: Tensor, counts: tuple[int, ...], classes: int, blank: int) -> Tensor:
    """The targets as ``(batch, longest)``, blanks behind their ends."""
    batch, longest = len(counts), max(counts)
    within = core.arange(longest) < core.tensor(counts).unsqueeze(1)
    targets = targets.cpu().to(core.int64)
    shape = targets._array.shape
    if targets.ndim == 1:
        if shape[0] != sum(counts):
            raise RuntimeError(
                f"ctc_loss: targets: Expected tensor to have size {sum(counts)} at dimension 0, "
                f"the sum of target_lengths, but got size {shape[0]}"
            )
        chosen = targets
    elif targets.ndim == 2:
        if shape[0] != batch or shape[1] < longest:
            dimension, least, wanted = (
                (0, "", batch) if shape[0] != batch else (1, "at least ", longest)
            )
            raise RuntimeError(
                f"ctc_loss: targets: Expected tensor to have size {least}{wanted} at dimension "
                f"{dimension}, but got size {shape[dimension]}"
            )
        chosen = targets[:, :longest][within]
    else:
        raise RuntimeError(
            f"ctc_loss: targets: Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional "
            "tensor"
        )
    outside = (chosen < 0) | (chosen >= classes)
    if anywhere(outside):
        wrong = innermost(chosen)._array[innermost(outside)._array].flat[0]
        raise IndexError(f"Target {wrong} is out of bounds: there are {classes} classes.")
    return core.full((batch, longest), blank, dtype=core.int64).masked_scatter(within, chosen)
