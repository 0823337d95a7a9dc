"""How much is pruned, and along which dimension."""

from __future__ import annotations

import numbers
from typing import Any

from lamella_core import Tensor


def check_amount(amount: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if float(amount) < 0 or (not isinstance(amount, numbers.Integral) and float(amount) > 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )


def count_of(amount: float, size: int) -> int:
    """How many of ``size`` an amount is."""
    if not isinstance(amount, numbers.Integral):
        return round(amount * size)
    count = int(amount)
    if count > size:
        raise ValueError(
            f"amount={amount} should be smaller than the number of parameters to prune={size}"
        )
    return count


def check_channels(t: Tensor, dim: int) -> None:
    if t.dim() < 2:
        raise ValueError(
            "Structured pruning can only be applied to multidimensional tensors. Found tensor of "
            f"shape {t.shape} with {t.dim()} dims"
        )
    if not -t.dim() <= dim < t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")


def other_dims(t: Tensor, dim: int) -> list[int]:
    return [each for each in range(t.dim()) if each != dim % t.dim()]


def of_channels(kept: Tensor, default_mask: Tensor, dim: int) -> Tensor:
    """The mask so far, and in it whole channels."""
    shape = [1] * default_mask.dim()
    shape[dim] = -1
    return default_mask * kept.to(dtype=default_mask.dtype).reshape(shape)
