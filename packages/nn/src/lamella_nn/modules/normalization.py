"""Normalisation of each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from lamella_autograd import rename
from lamella_core import Tensor, arange, empty
from lamella_nn import functional as F
from lamella_nn import init
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter


class LayerNorm(Module):
    """(x - E[x]) / √(Var[x] + ε) · γ + β over the last dimensions.

    From Ba, Kiros and Hinton (2016), "Layer Normalization". The variance is the biased one.

    Args:
        normalized_shape: the lengths of the last dimensions, or of the last one.
        eps: ε.
        elementwise_affine: whether there are γ (``weight``) and β (``bias``), of that shape.
        bias: whether an affine module has β.
        device, dtype: those of the parameters.
    """

    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, Integral):
            normalized_shape = (normalized_shape,)  # type: ignore[assignment]
        self.normalized_shape = tuple(normalized_shape)  # type: ignore[arg-type]
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        _register_affine(self, self.normalized_shape, elementwise_affine, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to one and bias to zero."""
        _reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """(x - E[x]) / √(Var[x] + ε) · γ + β over each group of channels of a sample.

    From Wu and He (2018), "Group Normalization". The variance is the biased one.

    Args:
        num_groups: number of groups.
        num_channels: number of channels, a multiple of it.
        eps: ε.
        affine: whether there are γ (``weight``) and β (``bias``), one for each channel.
        device, dtype: those of the parameters.
        bias: whether an affine module has β.

    Raises:
        ValueError: ``num_channels`` is no multiple of ``num_groups``.
    """

    num_groups: int
    num_channels: int
    eps: float
    affine: bool

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        _register_affine(self, (num_channels,), affine, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to one and bias to zero."""
        _reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input, (N, C, \\*)."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """x / √(E[x²] + ε) · γ over the last dimensions.

    From Zhang and Sennrich (2019), "Root Mean Square Layer Normalization".

    Args:
        normalized_shape: the lengths of the last dimensions, or of the last one.
        eps: ε; the machine epsilon of the input's dtype where left out.
        elementwise_affine: whether there is a γ (``weight``), of that shape.
        device, dtype: those of the parameter.
    """

    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, Integral):
            normalized_shape = (normalized_shape,)  # type: ignore[assignment]
        self.normalized_shape = tuple(normalized_shape)  # type: ignore[arg-type]
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to one."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as the input."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class LocalResponseNorm(Module):
    """x / (k + α E[x²])^β, the mean going over neighbouring channels.

    From Krizhevsky, Sutskever and Hinton (2012), "ImageNet Classification with Deep Convolutional
    Neural Networks".

    Args:
        size: number of neighbouring channels; those beyond the first and last count as zero.
        alpha, beta, k: α, β, k.
    """

    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input, (N, C, \\*)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """x / (k + α / n Σ x²)^β, the sum going over neighbouring channels of an image.

    The older form of ``LocalResponseNorm``, for networks that were trained with it. Its sums are
    PyTorch's: over (size - 1) // 2 channels to both sides, and over the first channel always.
    Gradients are the derivatives of that, which PyTorch's own are not.

    Args:
        size: n.
        alpha, beta, k: α, β, k.

    Raises:
        ValueError: the input has not 4 dimensions.
    """

    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        reach = (self.size - 1) // 2
        index = arange(input.shape[1], device=input.device)
        summed = (index.unsqueeze(1) - index).abs() <= reach
        summed[:, 0] = True
        sums = (summed.to(input.dtype) @ input.square().flatten(2)).reshape(input.shape)
        result = input / (self.k + self.alpha / self.size * sums) ** self.beta
        return rename(result, "CrossMapLRN2dBackward")

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _register_affine(
    module: Module, shape: tuple[int, ...], affine: bool, bias: bool, device: Any, dtype: Any
) -> None:
    for name, present in (("weight", affine), ("bias", affine and bias)):
        value = Parameter(empty(shape, device=device, dtype=dtype)) if present else None
        module.register_parameter(name, value)


def _reset_affine(module: Module) -> None:
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)
