"""Weights of resampling that averages over all elements that shrinking merges."""

from __future__ import annotations

from math import pi, sin
from typing import TYPE_CHECKING

import lamella_core as core

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core import Tensor

# Of the cubic convolution kernel here, as the imaging libraries have it (R. Keys, 1981).
_FREE = -0.5


def _triangle(x: float) -> float:
    return max(0.0, 1 - abs(x))


def _cubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return ((_FREE + 2) * x - (_FREE + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * _FREE if x < 2 else 0.0


def _lanczos(x: float) -> float:
    """``sinc(x) sinc(x / 3)`` between -3 and 3 (C. Lanczos, 1956)."""
    if x == 0:
        return 1.0
    return 3 * sin(pi * x) * sin(pi * x / 3) / (pi * x) ** 2 if abs(x) < 3 else 0.0


# The filter of each mode, and how far it reaches.
_FILTERS: dict[str, tuple[Callable[[float], float], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic, 2),
    "lanczos": (_lanczos, 3),
}
MODES = frozenset(_FILTERS)


def antialias_weights(size: int, count: int, ratio: float, mode: str) -> Tensor:
    """What each output takes of each element of an axis, float64 ``(count, size)``.

    The filter is stretched by the ratio where that is above 1, and its weights sum to 1.

    Args:
        size: how many elements there are.
        count: how many outputs.
        ratio: the distance of outputs in elements.
        mode: ``"bilinear"``, ``"bicubic"`` or ``"lanczos"``.
    """
    function, reach = _FILTERS[mode]
    stretch = max(ratio, 1.0)
    rows = []
    for i in range(count):
        centre = ratio * (i + 0.5)
        first = max(int(centre - reach * stretch + 0.5), 0)
        end = min(int(centre + reach * stretch + 0.5), size)
        weights = [function((j - centre + 0.5) / stretch) for j in range(first, end)]
        total = sum(weights)
        row = [0.0] * size
        row[first:end] = [weight / total for weight in weights]
        rows.append(row)
    return core.tensor(rows, dtype=core.float64)
