"""Dropout."""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module


class _DropoutNd(Module):
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training: each element becomes zero with probability p, the others grow by 1/(1 - p).

    In evaluation it returns its input. From Hinton et al. (2012), "Improving neural networks by
    preventing co-adaptation of feature detectors".

    Args:
        p: the probability of zero.
        inplace: whether to overwrite the input.

    Raises:
        ValueError: p lies outside of [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        return F.dropout(input, self.p, self.training, self.inplace)
