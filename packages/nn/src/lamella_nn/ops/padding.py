"""Padding with one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Number


@arrays(reduced_precision=True, keeps_format=1, method=False)
def constant_pad_nd(input: Tensor, pad: tuple[int, ...], value: Number = 0) -> Tensor:
    """``value`` before and behind; ``pad`` is a pair a dimension, from the last one on.

    Negative numbers cut off.
    """
