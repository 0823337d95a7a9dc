"""The derivative of connectionist temporal classification; as in PyTorch, there is no second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative
from lamella_nn.ops.ctc import ctc_alignments_backward

if TYPE_CHECKING:
    from lamella_core import Tensor


def _alignments(
    grads: Any,
    results: Any,
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> Tensor:
    return ctc_alignments_backward(
        log_probs,
        grads[0],
        targets,
        results[1],
        input_lengths,
        target_lengths,
        blank,
        zero_infinity,
    )


derivative("ctc_alignments", log_probs=_alignments)
