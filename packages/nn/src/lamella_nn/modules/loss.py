"""Losses: how far an output is from its target.

Each has ``reduction``: ``"none"`` gives the loss of each element, ``"mean"`` (the default) the
mean over all of them, ``"sum"`` their sum. ``size_average`` and ``reduce`` are its older spelling.
"""

from __future__ import annotations

import warnings

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module


def reduction_from_legacy(size_average: bool | None, reduce: bool | None) -> str:
    """The ``reduction`` that the older arguments ``size_average`` and ``reduce`` stand for."""
    if reduce is not None and not reduce:
        reduction = "none"
    elif size_average is not None and not size_average:
        reduction = "sum"
    else:
        reduction = "mean"
    warnings.warn(
        "size_average and reduce args will be deprecated, please use "
        f"reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction


class _Loss(Module):
    reduction: str

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = reduction_from_legacy(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """|x - y|, the absolute error.

    Args:
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """x and y of one shape, which is that of the result without reduction; others broadcast."""
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(x - y)², the squared error.

    Args:
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """x and y of one shape, which is that of the result without reduction; others broadcast."""
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """(x - y)² / 2β where |x - y| < β, |x - y| - β/2 elsewhere.

    From Girshick (2015), "Fast R-CNN".

    Args:
        size_average, reduce, reduction: see the module's docstring.
        beta: β, at least 0; at 0 it is ``L1Loss``.

    Raises:
        RuntimeError: by a call, when β is negative.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """x and y, of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """(x - y)² / 2 where |x - y| < δ, δ (|x - y| - δ/2) elsewhere.

    From Huber (1964), "Robust Estimation of a Location Parameter".

    Args:
        reduction: see the module's docstring.
        delta: δ, positive.

    Raises:
        RuntimeError: by a call, when δ is not positive.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """x and y, of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(_WeightedLoss):
    """-w (y log x + (1 - y) log(1 - x)), the cross-entropy of a probability x.

    Args:
        weight: w, of a shape that broadcasts to the input's.
        size_average, reduce, reduction: see the module's docstring.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Probabilities x and targets y from 0 to 1, of one shape."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """-w (p y log σ(x) + (1 - y) log(1 - σ(x))), computed without overflow.

    Args:
        weight: w, of a shape that broadcasts to the input's.
        size_average, reduce, reduction: see the module's docstring.
        pos_weight: p, the weight of positive targets, one for each class.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores x and targets y from 0 to 1, of one shape."""
        return F.binary_cross_entropy_with_logits(
            input,
            target,
            self.weight,
            pos_weight=self.pos_weight,
            reduction=self.reduction,
        )


class NLLLoss(_WeightedLoss):
    """-w[y] x[y], with x the logarithms of the probabilities of the classes.

    Args:
        weight: w, one for each class; the mean is then the weighted one.
        size_average, reduce, reduction: see the module's docstring.
        ignore_index: a target that does not count.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Logarithms (N, C), (C,) or (N, C, \\*) and class indices (N,), () or (N, \\*)."""
        return F.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class NLLLoss2d(NLLLoss):
    """The old name of ``NLLLoss``, with its arguments; it warns (FutureWarning)."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in "
            "replacement and see https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more "
            "details.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class CrossEntropyLoss(_WeightedLoss):
    """-w[y] log(exp(x[y]) / Σⱼ exp(x[j])), with x the unnormalised scores of the classes.

    Targets are class indices, of the input's shape without its dimension 1, or probabilities of
    the input's shape.

    Args:
        weight: w, one for each class; the mean is then the weighted one.
        size_average, reduce, reduction: see the module's docstring.
        ignore_index: a class index that does not count.
        label_smoothing: the part of the target, from 0 to 1, that is spread evenly over all
            classes. From Szegedy et al. (2016), "Rethinking the Inception Architecture".
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores (N, C), (C,) or (N, C, \\*) and targets; see the class."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
