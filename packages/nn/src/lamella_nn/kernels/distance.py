"""Array kernel of Euclidean distances by a matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.backends.numpy_blocks import LARGE, by_blocks
from lamella_core.dispatch import shared_kernel


@shared_kernel
def euclidean_distances(xp: Any, x1: Any, x2: Any) -> Any:
    products = xp.matmul(x1, x2.swapaxes(-1, -2))
    squares = _squares(xp, x1)[..., :, None], _squares(xp, x2)[..., None, :]
    if xp is np and products.size >= LARGE:
        return _distances_in_blocks(products, *squares, out=products)
    return _distances(xp, products, *squares)


def _squares(xp: Any, x: Any) -> Any:
    # NumPy makes no products of all elements on the way.
    return np.vecdot(x, x) if xp is np else (x * x).sum(-1)


def _distances(xp: Any, products: Any, ones: Any, others: Any) -> Any:
    squares = ones + others
    squares -= 2 * products
    xp.maximum(squares, 0, out=squares)
    return xp.sqrt(squares, out=squares)


_distances_in_blocks = by_blocks(lambda *args: _distances(np, *args), takes_out=False)
