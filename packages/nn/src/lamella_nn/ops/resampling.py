"""Resampling, by weights that are settings: nothing of them is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_nn.kernels.neighbours import Axis


@arrays(reduced_precision=True, method=False)
def resample(input: Tensor, axes: Sequence[Axis]) -> Tensor:
    """``out[i] = sum_k shares[k][i] input[places[k][i]]`` along each of the last dimensions.

    Args:
        axes: what the places and shares of each dimension are.
    """


@arrays(method=False)
def resample_bytes(input: Tensor, axes: Sequence[Axis]) -> Tensor:
    """Images of uint8, in whole numbers as the imaging libraries resample them.

    Args:
        axes: of the height and of the width.
    """
