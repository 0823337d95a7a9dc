"""Batch normalisation."""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor, empty, int64, ones, zeros
from lamella_nn import functional as F
from lamella_nn import init
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter


class _NormBase(Module):
    """What normalisation with running statistics shares: its options, parameters and buffers."""

    # Version 2 added num_batches_tracked.
    _version = 2

    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, present in (("weight", affine), ("bias", affine and bias)):
            value = Parameter(empty(num_features, device=device, dtype=dtype)) if present else None
            self.register_parameter(name, value)
        if track_running_stats:
            self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", zeros((), dtype=int64, device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches that were seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set weight to one, bias to zero, and forget the batches that were seen."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no check of its input's dimensions")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
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
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats:
            # A state of version 1 does not know the number; ours may know it.
            number = self.num_batches_tracked
            state_dict.setdefault(
                prefix + "num_batches_tracked", zeros((), dtype=int64) if number is None else number
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


class _BatchNorm(_NormBase):
    """What batch normalisation over any number of dimensions shares."""

    def forward(self, input: Tensor) -> Tensor:
        """Same shape as the input."""
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / float(self.num_batches_tracked)
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        tracked = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            use_batch,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features or of signals: (x - E[x]) / √(Var[x] + ε) · γ + β.

    Mean and variance of each channel are those of the batch in training, and the running ones
    in evaluation. Running statistics follow by
    running = (1 - momentum) · running + momentum · batch, with the unbiased variance.
    From Ioffe and Szegedy (2015), "Batch Normalization".

    Args:
        num_features: number of channels, C.
        eps: ε.
        momentum: of the running statistics; None for their plain average.
        affine: whether there are γ (``weight``) and β (``bias``).
        track_running_stats: whether there are running statistics; without them the batch's are
            used in evaluation too.
        device, dtype: those of parameters and buffers.
        bias: whether an affine module has β.

    Raises:
        ValueError: the input has neither 2 nor 3 dimensions.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images: (x - E[x]) / √(Var[x] + ε) · γ + β for each channel.

    Arguments and method are those of ``BatchNorm1d``; the input is (N, C, H, W).

    Raises:
        ValueError: the input has not 4 dimensions.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 4:
            raise ValueError(f"expected 4D input (got {input.dim()}D input)")


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes: (x - E[x]) / √(Var[x] + ε) · γ + β for each channel.

    Arguments and method are those of ``BatchNorm1d``; the input is (N, C, D, H, W).

    Raises:
        ValueError: the input has not 5 dimensions.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 5:
            raise ValueError(f"expected 5D input (got {input.dim()}D input)")


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation over the batches of several processes; here, of the one process.

    It is ``BatchNorm`` for an input of any number of dimensions from 2 on, (N, C, ...). Statistics
    are exchanged between processes only where there are several.

    Args:
        num_features: number of channels, C.
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for ``BatchNorm1d``.
        process_group: the processes that exchange statistics; all of them when None.

    Raises:
        ValueError: the input has fewer than 2 dimensions, or no channels.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        if input.shape[1] == 0:
            raise ValueError(
                "SyncBatchNorm number of input channels should be non-zero, but got input of "
                f"shape {list(input.shape)}"
            )

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with all batch normalisations in it replaced, in place, by this class.

        Args:
            module: a tree; a batch normalisation itself is not changed, a new one is returned.
            process_group: as for the class.

        Returns:
            ``module``, or its replacement. Parameters and buffers are the same ones.
        """
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            for entries in ("_parameters", "_buffers"):
                getattr(result, entries).update(getattr(module, entries))
            result.training = module.training
            return result
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child, process_group))
        return module
