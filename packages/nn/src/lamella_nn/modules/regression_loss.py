"""Losses from likelihoods of numbers and of distributions.

Their ``reduction``, ``size_average`` and ``reduce`` are those of the module ``loss``.
"""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.loss import _Loss


class PoissonNLLLoss(_Loss):
    """The negative log-likelihood of counts y with the Poisson distribution.

    exp(x) - y x, with x the logarithm of the mean; or x - y log(x + ε), with x the mean.

    Args:
        log_input: whether x is the logarithm of the mean.
        full: whether to add Stirling's approximation of log y!,
            y log y - y + log(2π y) / 2, where y > 1.
        size_average, reduce, reduction: see the module's docstring.
        eps: ε.
    """

    log_input: bool
    full: bool
    eps: float

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """x and y, of one shape."""
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """(log v + (x - y)² / v) / 2, the negative log-likelihood of y with the normal distribution.

    From Nix and Weigend (1994), "Estimating the mean and variance of the target probability
    distribution".

    Args:
        full: whether to add log(2π) / 2.
        eps: variances below it count as it; gradients do not see that.
        reduction: see the module's docstring.

    Raises:
        ValueError: a variance is negative, or their shape does not fit.
    """

    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Means x, targets y, and variances v: of x's shape, with a last dimension of 1 or
        without it, or one number.
        """
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """y (log y - x), the Kullback-Leibler divergence, with x the logarithm of probabilities.

    Args:
        size_average, reduce, reduction: see the module's docstring; also ``"batchmean"``, the sum
            divided by the size of the batch, which is the divergence's mean.
        log_target: whether targets are log y.
    """

    log_target: bool

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """x and y, of one shape."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
