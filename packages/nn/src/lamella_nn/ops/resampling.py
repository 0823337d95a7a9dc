"""Resampling, by weights that are settings: nothing of them is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor


@arrays(reduced_precision=True, method=False)
def resample(
    input: Tensor,
    places: Sequence[Sequence[Sequence[int]]],
    shares: Sequence[Sequence[Sequence[float]]] | None,
) -> Tensor:
    """``out[i] = sum_k shares[k][i] input[places[k][i]]`` along each of the last dimensions.

    Args:
        places: for each dimension and each neighbour, which elements it is.
        shares: for each dimension and each neighbour, its weights; None for ones.
    """
