"""Reading of the arguments that ops have in common: sizes, dimensions, types, devices."""

from __future__ import annotations

from math import prod
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.dtype import dtype

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_sizes(op_name: str, sizes: Sequence[Any], argument: str = "size") -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` alike: integers given one by one or as one sequence.

    Raises:
        TypeError: when something is no integer.
    """
    if len(sizes) == 1:
        only = sizes[0]
        if only.__class__ is int:
            return (only,)
        if isinstance(only, (tuple, list)):
            sizes = only
    try:
        # As in PyTorch, which looks at the first one alone for this.
        if sizes and isinstance(sizes[0], (bool, np.ndarray)):
            raise TypeError
        return tuple([n if n.__class__ is int else index(n) for n in sizes])
    except TypeError:
        i, wrong = next(((i, n) for i, n in enumerate(sizes) if not _is_index(n)), (0, sizes[0]))
        raise TypeError(
            f"{op_name}(): argument '{argument}' must be tuple of ints, but found element of type "
            f"{type(wrong).__name__} at pos {i}"
        ) from None


def _is_index(value: Any) -> bool:
    try:
        index(value)
    except TypeError:
        return False
    return True


def check_size(op_name: str, size: tuple[int, ...]) -> tuple[int, ...]:
    """Raises RuntimeError for a negative size, and for more elements than an address tells."""
    if prod(size) >= 2**59:
        raise RuntimeError(
            f"{op_name}(): Storage size calculation overflowed with sizes={list(size)}"
        )
    for n in size:
        if n < 0:
            raise RuntimeError(
                f"{op_name}(): Dimension size must be non-negative, got {n} in size {list(size)}"
            )
    return size


def read_dtype(op_name: str, wanted: Any) -> dtype:
    """The dtype argument, None being the default floating type.

    Raises:
        TypeError: when it is something else.
    """
    if wanted is None:
        return dtypes.defaults.floating
    if wanted.__class__ is dtype:
        return wanted
    if wanted.__class__ is type and wanted in dtypes.PYTHON_TYPES:
        return dtypes.PYTHON_TYPES[wanted]
    raise TypeError(
        f"{op_name}(): argument 'dtype' must be torch.dtype, not {type(wanted).__name__}"
    )


# The largest numbers of the types below float64.
_LARGEST = {
    dtypes.float16: 65504.0,
    dtypes.bfloat16: (2 - 2.0**-7) * 2.0**127,
    dtypes.float32: (2 - 2.0**-23) * 2.0**127,
}


def number_of_type(value: Any, wanted: dtype) -> Any:
    """A number as an element of type ``wanted`` has it: integers cut off, bools 0 or 1.

    Raises:
        OverflowError: for an integer of more than 64 bits.
        RuntimeError: for a number out of range, or a complex one in a real type.
    """
    kind = value.__class__
    category = wanted.category
    if kind is float:
        if category == dtypes.FLOATING and -65504.0 <= value <= 65504.0:
            return value
    elif kind is int:
        if wanted is dtypes.int64 and -(2**63) <= value < 2**63:
            return value
        check_bits(value)
    elif not isinstance(value, (int, float, complex, np.generic)):
        raise TypeError(f"a number is needed, not {type(value).__name__}")
    elif isinstance(value, complex) and category < dtypes.COMPLEX:
        if category == dtypes.BOOL:
            return bool(value)
        if value.imag:
            raise _unfit(value, wanted)
        value = value.real
    if category == dtypes.BOOL:
        return bool(value)
    if category != dtypes.INTEGER:
        largest = _LARGEST.get(wanted.to_real())
        if largest is not None:
            for part in (value.real, value.imag):
                if largest < abs(part) < float("inf"):
                    raise _unfit(value, wanted)
        return value
    bits = 8 * wanted.itemsize
    high = 2 ** (bits - 1) if wanted.is_signed else 2**bits
    low = -high if wanted.is_signed else (0 if isinstance(value, float) else 1 - high)
    # Whole numbers below zero wrap around in an unsigned type.
    if not low <= value <= high - 1:
        raise _unfit(value, wanted)
    return int(value) % high if value < 0 and not wanted.is_signed else int(value)


def scalar_of_type(value: Any, wanted: dtype) -> Any:
    """:func:`number_of_type` for one element: too large a number is infinite in half precision."""
    try:
        return number_of_type(value, wanted)
    except RuntimeError:
        if wanted not in dtypes.REDUCED_PRECISION or isinstance(value, complex):
            raise
        return float("inf") if value > 0 else -float("inf")


def check_bits(number: int) -> None:
    """Raises OverflowError for an integer that 64 bits do not hold."""
    if not -(2**63) <= number < 2**64:
        raise OverflowError(f"an integer of more than 64 bits: {number}")


def _unfit(value: Any, wanted: dtype) -> RuntimeError:
    return RuntimeError(
        f"value cannot be converted to type {wanted.name} without overflow: {value}"
    )
