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


class Dropout1d(_DropoutNd):
    """In training: each channel of signals becomes zero with probability p, or grows by 1/(1 - p).

    Arguments and errors are those of ``Dropout``.
    From Tompson et al. (2014), "Efficient Object Localization Using Convolutional Networks".
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, L) or (C, L); same shape."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """In training: each channel of images becomes zero with probability p, or grows by 1/(1 - p).

    Arguments and errors are those of ``Dropout``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) or (C, H, W); same shape."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """In training: each channel of volumes becomes zero with probability p, or grows by 1/(1 - p).

    Arguments and errors are those of ``Dropout``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, D, H, W) or (C, D, H, W); same shape."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout for ``SELU``: it keeps the mean 0 and the variance 1 of its input.

    In training each element takes SELU's lowest value with probability p, and all are then scaled
    and shifted. Arguments and errors are those of ``Dropout``. From Klambauer et al. (2017),
    "Self-Normalizing Neural Networks".
    """

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """``AlphaDropout`` of whole channels.

    Arguments and errors are those of ``Dropout``.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input, (N, C, \\*)."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
