"""Pooling over the last dimensions, as many as the kernel has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_nn.kernels.windows import Sizes


@arrays(refuses="bool complex", keeps_format=1, method=False)
def max_pool_with_indices(
    input: Tensor,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    """The largest element of each window, and its flat index among the pooled dimensions."""


@arrays(refuses="bool complex", keeps_format=1, method=False)
def max_pool(
    input: Tensor,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> Tensor:
    """The largest element of each window alone, where no gradient asks for its place."""


@arrays(method=False)
def take_flat(input: Tensor, indices: Tensor, dims: int) -> Tensor:
    """The elements at flat indices over the last ``dims`` dimensions."""


@arrays(keeps_format=1, method=False)
def put_flat(input: Tensor, indices: Tensor, sizes: Sizes, accumulate: bool) -> Tensor:
    """Zeros of the spatial ``sizes`` with ``input`` written, or added, at flat indices."""


@arrays(refuses="bool complex", keeps_format=1, most_dims=4, method=False)
def avg_pool(
    input: Tensor,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The mean of each window; see ``functional.avg_pool2d``."""


@arrays(keeps_format=1, method=False)
def avg_pool_backward(
    grad_output: Tensor,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """The gradient of ``avg_pool``: each window's is shared evenly."""


@arrays(refuses="bool integer complex", keeps_format=1, most_dims=4, method=False)
def adaptive_avg_pool(input: Tensor, output_size: Sizes) -> Tensor:
    """Means over ``output_size`` regions; region i is ``[i n // m, ceil((i + 1) n / m))``."""


@arrays(keeps_format=1, most_dims=4, method=False)
def adaptive_avg_pool_backward(grad_output: Tensor, sizes: Sizes) -> Tensor:
    """The gradient of ``adaptive_avg_pool``."""


@arrays(refuses="bool integer complex", keeps_format=1, most_dims=4, method=False)
def adaptive_max_pool(input: Tensor, output_size: Sizes) -> tuple[Tensor, Tensor]:
    """The largest elements of ``output_size`` regions, and their flat indices."""
