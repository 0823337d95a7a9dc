"""Losses with a margin: how much better the right answer has to be than the wrong ones.

Their ``reduction``, ``size_average`` and ``reduce`` are those of the module ``loss``.
"""

from __future__ import annotations

from collections.abc import Callable

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.distance import PairwiseDistance
from lamella_nn.modules.loss import _Loss, _WeightedLoss

Distance = Callable[[Tensor, Tensor], Tensor]


class _MarginLoss(_Loss):
    """A loss whose first option is its margin, 0 where left out."""

    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """max(0, -y (x₁ - x₂) + margin): x₁ should rank higher where y = 1, x₂ where y = -1.

    Args:
        margin: by how much.
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Tensors of one shape."""
        return F.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class CosineEmbeddingLoss(_MarginLoss):
    """1 - cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) - margin) where y = -1.

    Args:
        margin: the cosine from which on unlike vectors cost something.
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Inputs (N, D) and targets (N,), or (D,) and ()."""
        return F.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class HingeEmbeddingLoss(_MarginLoss):
    """The distance x where y = 1, max(0, margin - x) where y = -1.

    Args:
        margin: the distance up to which unlike pairs cost something.
        size_average, reduce, reduction: see the module's docstring.
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Tensors of one shape."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-y x)) with y 1 or -1; the mean or sum goes over all elements.

    Args:
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Tensors of one shape."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Σᵢⱼ max(0, 1 - (x[y[j]] - x[i])) / C, with i over the classes that are no target.

    The targets of a sample are the class indices before the first negative one.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors (N, C) or (C,), the second of class indices."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """-Σᵢ wᵢ (yᵢ log σ(xᵢ) + (1 - yᵢ) log(1 - σ(xᵢ))) / C, with yᵢ 0 or 1.

    Args:
        weight: w, one for each class.
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Two tensors (N, C)."""
        return F.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )


class MultiMarginLoss(_WeightedLoss):
    """Σᵢ w[y] max(0, margin - x[y] + x[i])ᵖ / C, with i over the classes other than y.

    Args:
        p: 1 or 2.
        margin: by how much the right class has to lead.
        weight: w, one for each class.
        size_average, reduce, reduction: see the module's docstring.

    Raises:
        ValueError: p is another number, or the weight has not one dimension.
    """

    p: int
    margin: float

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got p = {p}")
        if weight is not None and weight.dim() != 1:
            raise ValueError(
                "MultiMarginLoss: expected weight to be None or 1D tensor, "
                f"got {weight.dim()}D instead"
            )
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores (N, C) or (C,) and class indices (N,) or ()."""
        return F.multi_margin_loss(
            input,
            target,
            p=self.p,
            margin=self.margin,
            weight=self.weight,
            reduction=self.reduction,
        )


class TripletMarginLoss(_Loss):
    """max(0, d(a, p) - d(a, n) + margin): the positive should be nearer than the negative.

    From Balntas et al. (2016), "Learning local feature descriptors with triplets and shallow
    convolutional neural networks".

    Args:
        margin: by how much it should be nearer, positive.
        p: the degree of the norm that measures distances.
        eps: added to differences; see ``PairwiseDistance``.
        swap: whether d(p, n) takes the place of d(a, n) where it is smaller.
        size_average, reduce, reduction: see the module's docstring.

    Raises:
        ValueError: the margin is not positive.
    """

    margin: float
    p: float
    eps: float
    swap: bool

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin(self, margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Three tensors (N, D) or (D,)."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """``TripletMarginLoss`` with any distance.

    Args:
        distance_function: gives the distances of two tensors' rows; ``PairwiseDistance`` where
            left out.
        margin: by how much the positive should be nearer, positive.
        swap: whether d(p, n) takes the place of d(a, n) where it is smaller.
        reduction: see the module's docstring.

    Raises:
        ValueError: the margin is not positive.
    """

    distance_function: Distance
    margin: float
    swap: bool

    def __init__(
        self,
        *,
        distance_function: Distance | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _check_margin(self, margin)
        self.distance_function = (
            PairwiseDistance() if distance_function is None else distance_function
        )
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Three tensors that the distance takes."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def _check_margin(loss: _Loss, margin: float) -> None:
    if margin <= 0:
        raise ValueError(
            f"{type(loss).__name__}: expected margin to be greater than 0, got {margin} instead"
        )
