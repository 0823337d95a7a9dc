"""Euclidean distances by a matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(method=False)
def euclidean_distances(x1: Tensor, x2: Tensor) -> Tensor:
    """Distances by ``|a|^2 - 2 a b + |b|^2``: one matrix product, with rounding near 0."""
