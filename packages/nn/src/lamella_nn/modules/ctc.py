"""The loss of connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_nn import functional as F
from lamella_nn.modules.loss import _Loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor


class CTCLoss(_Loss):
    """Minus the logarithm of the probability of a sequence of labels, over all its alignments.

    Args:
        blank: the class of the blank.
        reduction: ``"mean"`` (of the losses, each divided by its target's length), ``"sum"`` or
            ``"none"``.
        zero_infinity: whether a target that is too long for its input counts for nothing.

    A. Graves et al., "Connectionist Temporal Classification", 2006.
    """

    blank: int
    zero_infinity: bool

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        """The loss; see :func:`lamella_nn.functional.ctc_loss` for the arguments and errors."""
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
