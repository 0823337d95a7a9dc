"""Options of layers over space, which are given once or for each dimension."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any


def per_dimension(value: Any, dimensions: int) -> tuple[Any, ...]:
    """The value repeated for each dimension; an iterable as the tuple of its elements."""
    if isinstance(value, Iterable):
        return tuple(value)
    return tuple(repeat(value, dimensions))


def padding_for_pad(padding: tuple[int, ...]) -> tuple[int, ...]:
    """Padding by dimension as ``functional.pad`` takes it: last dimension first, both sides."""
    return tuple(length for length in reversed(padding) for _ in range(2))
