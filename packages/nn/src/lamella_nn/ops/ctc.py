"""Connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(refuses="bool integer complex float16 bfloat16", method=False)
def ctc_alignments(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> tuple[Tensor, Tensor]:
    """Minus the logarithm of the probability of all alignments of each target with its input.

    Args:
        log_probs: ``(steps, batch, classes)``.
        targets: ``(batch, longest)``, classes; what lies beyond a target's length is ``blank``.
        input_lengths: at most ``steps``, for each of the batch.
        target_lengths: at most ``longest``, for each of the batch.
        zero_infinity: whether a target without any alignment has the gradient 0 and not NaN; its
            loss is infinite.

    Returns:
        ``(batch,)``; and the logarithms of the probabilities of all beginnings, less the largest of
        a step, which comes last: ``(steps, batch, 2 * longest + 2)``, with blanks around each
        element of the target.

    A. Graves et al., "Connectionist Temporal Classification", 2006.
    """


@arrays(method=False)
def ctc_alignments_backward(
    log_probs: Tensor,
    grad_losses: Tensor,
    targets: Tensor,
    beginnings: Tensor,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> Tensor:
    """The gradient of ``ctc_alignments`` to its first argument, before a log-softmax.

    As PyTorch's, it is ``p_c - (the share of the alignments that pass through c)``: the gradient
    to the scores of a log-softmax that the logarithms come from. The log-softmax's own derivative
    leaves it as it is, for its sum over the classes is 0.
    """
