"""A linear layer with the cross-entropy of its outputs, without holding them all at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Any, Literal, get_args

from lamella_core import Tensor, bfloat16, float16, float32, float64
from lamella_core.dtype import dtype as DType
from lamella_nn import functional as F
from lamella_nn.modules.linear import Linear
from lamella_nn.modules.module import Module

Policy = Literal["accurate", "balanced", "compact", "auto"]


@dataclass
class LinearCrossEntropyOptions:
    """How ``linear_cross_entropy`` cuts up its batch.

    Args:
        allow_retain_graph: whether there may be several backward passes; here there always may.
        batch_chunk_size: rows of a chunk; by default what the method says.
        chunking_method: ``"aspect_ratio:r"``: r chunks for each time that there are as many
            classes as features; ``"auto"``: r is 2; None: one chunk.
        acc_policy, acc_dtype: how PyTorch adds up the gradients of half precision; here the graph
            adds them up, in the dtype of the parameter.

    Raises:
        ValueError: a size is not positive, or another value not among those above.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: Policy = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        size = self.batch_chunk_size
        if size is not None and (not isinstance(size, int) or size <= 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size}")
        self._ratio()
        if self.acc_policy not in get_args(Policy):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.acc_dtype not in (None, float16, bfloat16, float32, float64):
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, "
                f"torch.float64}}, got {self.acc_dtype}"
            )

    def _ratio(self) -> int | None:
        """The r of the method; None for one chunk."""
        method = self.chunking_method
        if method is None:
            return None
        if method == "auto":
            return 2
        name, _, ratio = method.partition(":")
        if name != "aspect_ratio" or not ratio.isdecimal() or not int(ratio):
            raise ValueError(f"invalid chunking_method: {method!r}")
        return int(ratio)

    def rows_of_chunk(self, batch: int, in_features: int, num_classes: int) -> int:
        """How many rows of a batch go through at a time; a power of two where it may be chosen."""
        if self.batch_chunk_size is not None:
            return self.batch_chunk_size
        ratio = self._ratio()
        if ratio is None or not batch or not in_features:
            return batch
        chunks = max(1, ceil(num_classes / in_features) * ratio)
        return min(batch, 1 << (ceil(batch / chunks) - 1).bit_length())


class LinearCrossEntropyLoss(Module):
    """The cross-entropy of the scores that a linear layer gives.

    Args:
        in_features: of an input.
        num_classes: number of classes, C.
        out_features: lengths of further dimensions: there are scores for each place in them.
        bias: whether the linear layer has a bias.
        device, dtype: those of the linear layer.
        reduction, weight, ignore_index, label_smoothing: as for ``CrossEntropyLoss``; an
            ``ignore_index`` of None is -100.
        options: how the batch is cut up, to save memory; not at all when None.

    Raises:
        RuntimeError: ``weight`` has not one number a class, or ``label_smoothing`` is not from 0
            to 1.
    """

    num_classes: int
    out_features: tuple[int, ...]
    reduction: str
    ignore_index: int | None
    label_smoothing: float
    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__()
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be ({num_classes},), got {tuple(weight.shape)}"
            )
        if not 0.0 <= label_smoothing <= 1.0:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        self.register_buffer("weight", weight)
        self.reduction = reduction
        self.linear = Linear(
            in_features, num_classes * prod(out_features), bias=bias, device=device, dtype=dtype
        )
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(N, in_features) or (in_features), and targets as for ``CrossEntropyLoss``."""
        weight, bias = self.linear.weight, self.linear.bias
        if self.out_features:
            places = (self.num_classes, *self.out_features)
            weight = weight.reshape(*places, -1)
            bias = None if bias is None else bias.reshape(places)
        return F.linear_cross_entropy(
            input,
            weight,
            target,
            linear_bias=bias,
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
