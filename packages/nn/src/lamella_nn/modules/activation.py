"""Activations, element by element or along one dimension."""

from __future__ import annotations

import warnings
from typing import Any

from lamella_core import Tensor, empty
from lamella_nn import functional as F
from lamella_nn import init as initial
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter


class _InplaceActivation(Module):
    """An activation whose only option is to overwrite its input."""

    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InplaceActivation):
    """max(0, x). ``inplace`` overwrites the input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class SiLU(_InplaceActivation):
    """x · σ(x), the sigmoid linear unit. ``inplace`` overwrites the input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class SELU(_InplaceActivation):
    """s · x where it is positive, s · α (exp(x) - 1) elsewhere; s ≈ 1.0507, α ≈ 1.6733.

    ``inplace`` overwrites the input. From Klambauer et al. (2017), "Self-Normalizing Neural
    Networks".
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class Mish(_InplaceActivation):
    """x · tanh(log(1 + exp(x))). ``inplace`` overwrites the input.

    From Misra (2019), "Mish: A Self Regularized Non-Monotonic Activation Function".
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class _SilentInplaceActivation(_InplaceActivation):
    """One that does not show its option."""

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(_SilentInplaceActivation):
    """x / 6 + 1/2, cut off below 0 and above 1. ``inplace`` overwrites the input."""

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_SilentInplaceActivation):
    """x · ``Hardsigmoid`` (x). ``inplace`` overwrites the input.

    From Howard et al. (2019), "Searching for MobileNetV3".
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class Sigmoid(Module):
    """σ(x) = 1 / (1 + exp(-x))."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x)))."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class _Shrink(Module):
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x where |x| > ``lambd``, zero elsewhere.

    Args:
        lambd: the bound.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x moved towards zero by ``lambd``, and zero where |x| ≤ ``lambd``.

    Args:
        lambd: how far; not negative.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)


class Hardtanh(Module):
    """x, cut off below ``min_val`` and above ``max_val``.

    Args:
        min_val, max_val: the bounds.
        inplace: whether to overwrite the input.
        min_value, max_value: older names of the bounds.

    Raises:
        AssertionError: ``max_val`` is not greater than ``min_val``.
    """

    min_val: float
    max_val: float
    inplace: bool

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        if min_value is not None:
            _warn_of_older_name("min_value", "min_val")
            min_val = min_value
        if max_value is not None:
            _warn_of_older_name("max_value", "max_val")
            max_val = max_value
        if max_val <= min_val:
            raise AssertionError(f"max_val ({max_val}) must be greater than min_val ({min_val})")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}{_inplace_suffix(self.inplace)}"


class ReLU6(Hardtanh):
    """min(max(0, x), 6). ``inplace`` overwrites the input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(Module):
    """x where it exceeds ``threshold``, ``value`` elsewhere.

    Args:
        threshold: the bound.
        value: what stands in the place of elements that do not exceed it.
        inplace: whether to overwrite the input.
    """

    threshold: float
    value: float
    inplace: bool

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}{_inplace_suffix(self.inplace)}"


class GELU(Module):
    """x · Φ(x), with Φ the distribution function of the standard normal.

    Args:
        approximate: ``"none"``, or ``"tanh"`` for
            x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
    """

    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class LeakyReLU(Module):
    """x where it is positive, ``negative_slope`` · x elsewhere.

    Args:
        negative_slope: the slope below zero.
        inplace: whether to overwrite the input.
    """

    negative_slope: float
    inplace: bool

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{_inplace_suffix(self.inplace)}"


class PReLU(Module):
    """x where it is positive, a · x elsewhere, with a learned a.

    From He et al. (2015), "Delving Deep into Rectifiers".

    Args:
        num_parameters: 1, or the number of channels, dimension 1 of the input.
        init: the first a.
        device, dtype: those of the parameter.

    Attributes:
        weight: a, of shape (num_parameters,).
    """

    num_parameters: int
    init: float
    weight: Parameter

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set a to its first value."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """x where it is positive, a · x elsewhere, with a random a for each element.

    In training a is uniform between ``lower`` and ``upper``, in evaluation their mean. From Xu et
    al. (2015), "Empirical Evaluation of Rectified Activations in Convolutional Network".

    Args:
        lower, upper: the bounds of a.
        inplace: whether to overwrite the input.
    """

    lower: float
    upper: float
    inplace: bool

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}{_inplace_suffix(self.inplace)}"


class ELU(Module):
    """x where it is positive, ``alpha`` · (exp(x) - 1) elsewhere.

    From Clevert et al. (2016), "Fast and Accurate Deep Network Learning by Exponential Linear
    Units".

    Args:
        alpha: the limit at minus infinity is ``-alpha``.
        inplace: whether to overwrite the input.
    """

    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{_inplace_suffix(self.inplace)}"


class CELU(Module):
    """max(0, x) + min(0, α (exp(x / α) - 1)), with ``alpha`` for α.

    From Barron (2017), "Continuously Differentiable Exponential Linear Units".

    Args:
        alpha: the limit at minus infinity is ``-alpha``; not 0.
        inplace: whether to overwrite the input.
    """

    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{_inplace_suffix(self.inplace)}"


class Softplus(Module):
    """log(1 + exp(β x)) / β, a smooth ``ReLU``.

    Args:
        beta: β; the larger, the nearer to ``ReLU``.
        threshold: where β x exceeds it, the result is x itself.
    """

    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class _DimActivation(Module):
    """An activation along one dimension."""

    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_DimActivation):
    """exp(xᵢ) / Σⱼ exp(xⱼ) along ``dim``: numbers between 0 and 1 whose sum is 1.

    Args:
        dim: the dimension; see ``functional.softmax`` for None.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(_DimActivation):
    """log(exp(xᵢ) / Σⱼ exp(xⱼ)) along ``dim``, computed as xᵢ - log Σⱼ exp(xⱼ).

    Args:
        dim: the dimension; see ``functional.softmax`` for None.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(_DimActivation):
    """exp(-xᵢ) / Σⱼ exp(-xⱼ) along ``dim``.

    Args:
        dim: the dimension; see ``functional.softmax`` for None.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """exp(xᵢ) / Σⱼ exp(xⱼ) over the channels of each pixel.

    The input is (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: the input has other dimensions.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3)


class GLU(Module):
    """a · σ(b), with a and b the halves of the input along ``dim``.

    From Dauphin et al. (2017), "Language Modeling with Gated Convolutional Networks".

    Args:
        dim: the dimension that is halved; its size is even.
    """

    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


def _warn_of_older_name(old: str, new: str) -> None:
    warnings.warn(
        f"keyword argument `{old}` is deprecated and renamed to `{new}`",
        FutureWarning,
        stacklevel=3,
    )


def _inplace_suffix(inplace: bool) -> str:
    return ", inplace=True" if inplace else ""
