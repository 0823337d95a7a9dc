"""Pooling over windows that a random number places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_nn.kernels.windows import Sizes


@arrays(refuses="bool complex", method=False)
def fractional_max_pool(
    input: Tensor, samples: Tensor, kernel: Sizes, output_size: Sizes
) -> tuple[Tensor, Tensor]:
    """The largest element of each window, and its flat index among the pooled dimensions.

    Args:
        input: ``(batch, channels, *sizes)``.
        samples: ``(batch, channels, dimensions)``, from 0 to 1: where the windows lie.
        kernel: the window's sizes.
        output_size: how many windows there are.
    """
