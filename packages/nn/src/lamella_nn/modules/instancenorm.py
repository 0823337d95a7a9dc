"""Instance normalisation."""

from __future__ import annotations

import warnings
from typing import Any

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.batchnorm import _NormBase


class _InstanceNorm(_NormBase):
    """What instance normalisation over any number of dimensions shares."""

    dimensions: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        self._check_input_dim(input)
        single = input.dim() == self.dimensions + 1
        self._check_channels(input, 0 if single else 1)
        output = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return output.squeeze(0) if single else output

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (self.dimensions + 1, self.dimensions + 2):
            raise ValueError(
                f"expected {self.dimensions + 1}D or {self.dimensions + 2}D input "
                f"(got {input.dim()}D input)"
            )

    def _check_channels(self, input: Tensor, dim: int) -> None:
        channels = input.shape[dim]
        if channels == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features "
                f"({self.num_features}), but got: {channels}."
            )
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. You can silence this warning "
            "by not passing in num_features, which is not used because affine=False",
            stacklevel=4,
        )

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # Before states had a version, these modules had running statistics by default.
        if local_metadata.get("version") is None and not self.track_running_stats:
            statistics = [
                prefix + name
                for name in ("running_mean", "running_var")
                if prefix + name in state_dict
            ]
            if statistics:
                names = " and ".join(f'"{name}"' for name in statistics)
                kind = type(self).__name__
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {names} for {kind} with "
                    "track_running_stats=False: a state saved before version 0.4.0 has them. "
                    "Remove these keys from the state, or make the module with "
                    "track_running_stats=True to use them."
                )
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of signals: (x - E[x]) / √(Var[x] + ε) · γ + β.

    Mean and variance are those of each channel of each sample; in evaluation they are the running
    ones, if there are any, which follow in training by
    running = (1 - momentum) · running + momentum · mean over the batch.
    From Ulyanov et al. (2016), "Instance Normalization: The Missing Ingredient for Fast
    Stylization".

    Args:
        num_features: number of channels, C.
        eps: ε.
        momentum: of the running statistics.
        affine: whether there are γ (``weight``) and β (``bias``).
        track_running_stats: whether there are running statistics.
        device, dtype: those of parameters and buffers.
        bias: whether an affine module has β.

    Shapes:
        input: (N, C, L) or (C, L); the output alike.

    Raises:
        ValueError: the input has other dimensions, or an affine module gets other channels.
    """

    dimensions = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images, (N, C, H, W) or (C, H, W).

    Method, arguments and errors are those of ``InstanceNorm1d``.
    """

    dimensions = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes, (N, C, D, H, W) or (C, D, H, W).

    Method, arguments and errors are those of ``InstanceNorm1d``.
    """

    dimensions = 3
