"""Normalisations whose number of features is that of their first input."""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor, int64, zeros
from lamella_nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from lamella_nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from lamella_nn.modules.lazy import LazyModuleMixin
from lamella_nn.parameter import UninitializedBuffer, UninitializedParameter


class _LazyNormBase(LazyModuleMixin):
    """What lazy normalisations of every kind share."""

    num_features: int
    affine: bool
    track_running_stats: bool
    weight: UninitializedParameter | None
    bias: UninitializedParameter | None

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = zeros((), dtype=int64, device=device)

    def reset_parameters(self) -> None:
        """Set the first values anew, once there is a shape."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and statistics their shapes and first values."""
        if not self.has_uninitialized_params():
            return
        dimensions = getattr(self, "dimensions", None)
        single = dimensions is not None and input.dim() == dimensions + 1
        self.num_features = input.shape[0 if single else 1]
        for name in ("weight", "bias", "running_mean", "running_var"):
            tensor = getattr(self, name)
            if tensor is not None:
                tensor.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):  # type: ignore[misc]
    """A ``BatchNorm1d`` whose ``num_features`` are the channels of its first input.

    It becomes a ``BatchNorm1d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):  # type: ignore[misc]
    """A ``BatchNorm2d`` whose ``num_features`` are the channels of its first input.

    It becomes a ``BatchNorm2d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):  # type: ignore[misc]
    """A ``BatchNorm3d`` whose ``num_features`` are the channels of its first input.

    It becomes a ``BatchNorm3d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):  # type: ignore[misc]
    """An ``InstanceNorm1d`` whose ``num_features`` are the channels of its first input.

    It becomes an ``InstanceNorm1d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):  # type: ignore[misc]
    """An ``InstanceNorm2d`` whose ``num_features`` are the channels of its first input.

    It becomes an ``InstanceNorm2d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):  # type: ignore[misc]
    """An ``InstanceNorm3d`` whose ``num_features`` are the channels of its first input.

    It becomes an ``InstanceNorm3d`` then. The arguments are those of that class without
    ``num_features``.
    """

    cls_to_become = InstanceNorm3d
