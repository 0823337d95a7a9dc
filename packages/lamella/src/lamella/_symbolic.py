"""Functions of sizes that PyTorch's compiler may not know yet; here every size is a number.

Programs call them so that they can be traced; on numbers they are Python's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def sym_not(a: Any) -> bool:
    """``not a``."""
    return not a


def sym_float(a: Any) -> float:
    """``float(a)``."""
    return float(a)


def sym_int(a: Any) -> int:
    """``a`` cut off to an integer."""
    return math.trunc(a)


def sym_max(a: Any, b: Any) -> Any:
    """The larger of two numbers; a float where one of them is."""
    return _of_both(max(a, b), a, b)


def sym_min(a: Any, b: Any) -> Any:
    """The smaller of two numbers; a float where one of them is."""
    return _of_both(min(a, b), a, b)


def _of_both(chosen: Any, a: Any, b: Any) -> Any:
    return float(chosen) if isinstance(a, float) or isinstance(b, float) else chosen


def sym_sqrt(a: Any) -> float:
    """The square root."""
    return math.sqrt(a)


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """``t`` if ``b`` else ``f``, which are of one type.

    Raises:
        AssertionError: ``b`` is no bool, or ``t`` and ``f`` differ in type.
    """
    if not isinstance(b, bool) or type(t) is not type(f):
        raise AssertionError(
            f"sym_ite: a bool and two values of one type are needed, got {type(b).__name__}, "
            f"{type(t).__name__} and {type(f).__name__}"
        )
    return t if b else f


def sym_sum(args: Iterable[Any]) -> Any:
    """The sum of numbers."""
    return sum(args)
