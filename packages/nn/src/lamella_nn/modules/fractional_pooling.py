"""Fractional pooling: as many windows as are wanted, placed by a random number."""

from __future__ import annotations

from typing import Any

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module
from lamella_nn.modules.spatial import per_dimension


class _FractionalMaxPoolNd(Module):
    dimensions: int

    kernel_size: Any
    return_indices: bool
    output_size: Any
    output_ratio: Any

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        output_size: int | tuple[int, ...] | None = None,
        output_ratio: float | tuple[float, ...] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(
                f"{name} requires specifying either an output size, or a pooling ratio"
            )
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = per_dimension(kernel_size, self.dimensions)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = self.output_ratio = None
        if output_size is not None:
            self.output_size = per_dimension(output_size, self.dimensions)
        else:
            ratios: Any = output_ratio
            if not isinstance(ratios, tuple):
                ratios = (ratios,) * self.dimensions
            if not all(0 < ratio < 1 for ratio in ratios):
                raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")
            self.output_ratio = ratios


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The largest element of each of as many windows of an image as are wanted.

    From Graham (2015), "Fractional Max-Pooling". A random number for each image and channel
    decides where the windows lie.

    Args:
        kernel_size: sides of the window, one number or two.
        output_size: how many windows, one number or two; or
        output_ratio: a fraction of the image's sides, one number or two.
        return_indices: also return where in its image each element was.

    Raises:
        ValueError: neither or both of the two are given, or a ratio is not between 0 and 1.
    """

    dimensions = 2

    def forward(self, input: Tensor) -> Any:
        """(N, C, H, W) or (C, H, W) to the same with H_out and W_out."""
        return F.fractional_max_pool2d(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The largest element of each of as many windows of a volume as are wanted.

    Arguments are those of ``FractionalMaxPool2d``, with three numbers in the place of two.
    """

    dimensions = 3

    def forward(self, input: Tensor) -> Any:
        """(N, C, D, H, W) or (C, D, H, W) to the same with D_out, H_out and W_out."""
        return F.fractional_max_pool3d(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )
