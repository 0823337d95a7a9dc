"""Array kernels of the comparisons and tests."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import namespace_kernels, shared_kernel

namespace_kernels(
    eq="equal",
    ne="not_equal",
    lt="less",
    le="less_equal",
    gt="greater",
    ge="greater_equal",
)


def _inexact(array: Any) -> bool:
    # Whether there are NaN and infinity in the type; bfloat16 is of kind ``V``.
    return array.dtype.kind not in "iub"


@shared_kernel
def isnan(xp: Any, input: Any) -> Any:
    return xp.isnan(input) if _inexact(input) else xp.zeros(input.shape, bool)


@shared_kernel
def isinf(xp: Any, input: Any) -> Any:
    return xp.isinf(input) if _inexact(input) else xp.zeros(input.shape, bool)


@shared_kernel
def isfinite(xp: Any, input: Any) -> Any:
    return xp.isfinite(input) if _inexact(input) else xp.ones(input.shape, bool)


@shared_kernel
def isposinf(xp: Any, input: Any) -> Any:
    return input == float("inf")


@shared_kernel
def isneginf(xp: Any, input: Any) -> Any:
    return input == float("-inf")


@shared_kernel
def isclose(xp: Any, input: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    close = input == other
    if equal_nan and _inexact(input):
        close |= (input != input) & (other != other)
    if rtol == 0 and atol == 0:
        return close
    if _inexact(input):
        gap = abs(input - other)
        bound = abs(other)
        bound *= rtol
        bound += atol
        # Infinitely far apart is not close.
        close |= gap <= xp.minimum(bound, xp.finfo(gap.dtype).max, bound if bound.ndim else None)
        return close
    wide = [a.astype(xp.float64) for a in (input, other)]
    return close | (abs(wide[0] - wide[1]) <= atol + abs(rtol * wide[1]))
