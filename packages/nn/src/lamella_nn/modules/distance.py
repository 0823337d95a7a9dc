"""Distances between the rows of two tensors."""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module


class PairwiseDistance(Module):
    """The p-norm of ``x1 - x2 + eps`` along the last dimension.

    Args:
        p: the norm's degree; negative degrees are allowed.
        eps: added to the difference, so that its norm has a gradient at zero.
        keepdim: keep the last dimension, with size 1.

    Shapes:
        x1, x2: ``(*, features)``; the result ``(*)``, or ``(*, 1)`` with ``keepdim``.
    """

    __constants__ = ["norm", "eps", "keepdim"]

    norm: float
    eps: float
    keepdim: bool

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The distance of each row of ``x1`` from that of ``x2``."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along a dimension.

    Args:
        dim: the dimension that the products are summed over.
        eps: the least value of a norm in the denominator.
    """

    __constants__ = ["dim", "eps"]

    dim: int
    eps: float

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The similarity along ``dim``."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
