"""Array kernel of Euclidean distances by a matrix product."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def euclidean_distances(xp: Any, x1: Any, x2: Any) -> Any:
    products = xp.matmul(x1, x2.swapaxes(-1, -2))
    products *= 2
    squares = (x1 * x1).sum(-1)[..., :, None] + (x2 * x2).sum(-1)[..., None, :]
    squares -= products
    xp.maximum(squares, 0, out=squares)
    return xp.sqrt(squares, out=squares)
