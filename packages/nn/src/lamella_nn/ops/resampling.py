"""Resampling along one dimension, by weights that are settings: nothing of them is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor


@arrays(method=False)
def resample(
    input: Tensor,
    dim: int,
    places: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]] | None,
) -> Tensor:
    """``out[i] = sum_k shares[k][i] input[places[k][i]]`` along a dimension counted from the last.

    Args:
        places: for each neighbour, which element it is.
        shares: for each neighbour, its weights; None for ones.
    """
