"""Causal masks for queries and keys of different numbers."""

from __future__ import annotations

import warnings
from enum import IntEnum
from typing import Any

from lamella_core import Tensor, ones
from lamella_core.dtype import bool_

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """From which corner of the matrix of scores the diagonal starts."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A causal mask, ``(seq_len_q, seq_len_kv)``; booleans, true where a key takes part.

    Args:
        variant: ``UPPER_LEFT``: query i sees keys 0 to i; ``LOWER_RIGHT``: the last query sees all
            keys, each before it one fewer.
        seq_len_q: the number of queries.
        seq_len_kv: the number of keys.

    Raises:
        AssertionError: for another variant.
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> CausalBias:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        shift = 0
        if variant is CausalVariant.LOWER_RIGHT:
            shift = seq_len_kv - seq_len_q
            if shift < 0:
                warnings.warn(
                    "Lower right causal bias leaves nothing to the first queries when seq_len_q > "
                    "seq_len_kv!",
                    stacklevel=2,
                )
        mask = ones(seq_len_q, seq_len_kv, dtype=bool_).tril(shift)
        bias: Any = Tensor._make_subclass(cls, mask)
        bias.variant = variant
        bias.seq_len_q = seq_len_q
        bias.seq_len_kv = seq_len_kv
        return bias

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        pass

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return repr(self.as_subclass(Tensor))


def causal_upper_left(*size: int) -> CausalBias:
    """The mask by which query i sees keys 0 to i.

    Args:
        size: the numbers of queries and keys.

    Raises:
        AssertionError: unless there are two.
    """
    return _of_size("causal_upper_left", CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size: int) -> CausalBias:
    """The mask by which the last query sees all keys, and each before it one fewer.

    Args:
        size: the numbers of queries and keys.

    Raises:
        AssertionError: unless there are two.
    """
    return _of_size("causal_lower_right", CausalVariant.LOWER_RIGHT, size)


def _of_size(name: str, variant: CausalVariant, size: tuple[int, ...]) -> CausalBias:
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors, but got sizes {list(size)}")
    return CausalBias(variant, *size)
