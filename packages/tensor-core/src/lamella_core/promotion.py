"""Which type a result has: PyTorch's promotion rules.

Categories are ordered bool < integer < floating < complex. Operands are ranked in three
classes: tensors with dimensions, 0-dim tensors, Python numbers. A lower class changes the result
only where its category is higher, and then brings no more width than it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.dtype import BOOL, COMPLEX, FLOATING, dtype

if TYPE_CHECKING:
    from collections.abc import Iterable


def _promote_pair(a: dtype, b: dtype) -> dtype:
    if a is b:
        return a
    if a.category != b.category:
        high, low = (a, b) if a.category > b.category else (b, a)
        if high.category == COMPLEX and low is dtypes.float64:
            return dtypes.complex128
        return high
    if a.category == FLOATING and a.itemsize == 2 and b.itemsize == 2:
        return dtypes.float32
    return dtypes.OF_NUMPY[np.promote_types(a.numpy, b.numpy)]


class _Pairs(dict[tuple[dtype, dtype], dtype]):
    # Two types and the one in which they meet; those that meet in none are missing.
    def __missing__(self, pair: tuple[dtype, dtype]) -> dtype:
        first, second = pair
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{first.class_name} and {second.class_name}; convert one of them with .to()"
        )


def _meet(a: dtype, b: dtype) -> bool:
    wide = a in dtypes.WIDE_UNSIGNED or b in dtypes.WIDE_UNSIGNED
    return not wide or a is b or max(a.category, b.category) == FLOATING


_PAIRS = _Pairs(
    {(a, b): _promote_pair(a, b) for a in dtypes.ALL for b in dtypes.ALL if _meet(a, b)}
)


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type of the higher category that holds both: PyTorch's lattice."""
    return _PAIRS[type1, type2]


def _combine(high: dtype | None, low: dtype | None) -> dtype | None:
    # The type of a higher class of operands after a lower class has had its say.
    if high is None:
        return low
    if low is None or high.category >= low.category:
        return high
    if high.category == FLOATING:
        return high.to_complex()
    if low.category == COMPLEX:
        return low
    if high.category == BOOL or low.category >= FLOATING:
        return _PAIRS[high, low]
    return high


def result_dtype(operands: Iterable[Any]) -> dtype:
    """The common type of tensors and Python numbers in one expression."""
    dimensioned: dtype | None = None
    zero_dim: dtype | None = None
    number: dtype | None = None
    for operand in operands:
        cls = operand.__class__
        if cls is float or cls is int or cls is bool or cls is complex:
            d = dtypes.of_number(operand)
            number = d if number is None else _PAIRS[number, d]
        elif operand._array.ndim:
            d = operand._dtype
            dimensioned = d if dimensioned is None else _PAIRS[dimensioned, d]
        else:
            d = operand._dtype
            zero_dim = d if zero_dim is None else _PAIRS[zero_dim, d]
    result = _combine(dimensioned, _combine(zero_dim, number))
    assert result is not None, "an op needs at least one operand"
    return result


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an in-place op may store a result of type ``from_`` in a tensor of type ``to``.

    Only the category counts: a float result can't go into an integer tensor, but float64 may go
    into float16.
    """
    return from_.category <= to.category
