"""Reading of the arguments that ops have in common: sizes, dimensions, types, devices."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

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
        return tuple([n if n.__class__ is int else index(n) for n in sizes])
    except TypeError:
        i, wrong = next((i, n) for i, n in enumerate(sizes) if not _is_index(n))
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
    """Raises RuntimeError for a negative size."""
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
