"""The two ways from one number to another."""

from __future__ import annotations

import math
from typing import Any


def check_strategy(strategy: str) -> None:
    """Raises ValueError for anything but "cos" and "linear"."""
    if strategy not in ("cos", "linear"):
        raise ValueError(
            f"anneal_strategy must be one of 'cos' or 'linear', instead got {strategy}"
        )


def anneal(strategy: str, start: Any, end: Any, share: float) -> Any:
    """The number that is ``share``, in [0, 1], of the way from ``start`` to ``end``."""
    if strategy == "cos":
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
    return (end - start) * share + start
