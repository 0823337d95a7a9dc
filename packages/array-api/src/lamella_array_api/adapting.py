"""Functions of the core under the standard's names and arguments, made from tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_array_api.data_types import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor


def named(function: Any, name: str, doc: str) -> Any:
    """The function, given a name and docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def of_two(function: Callable[..., Tensor]) -> Any:
    """A function of two arrays, or an array and a number, which are promoted first."""

    def apply(x1: Any, x2: Any, /) -> Tensor:
        return function(*common(x1, x2))

    return named(apply, function.__name__, f"``{function.__name__}`` of the promoted operands.")


def axes_of(x: Tensor, axis: Any) -> tuple[int, ...]:
    """The axes that an argument ``axis`` stands for; PyTorch takes none for all."""
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def over_axes(name: str, function: Callable[..., Tensor], before: Any = core.clone) -> Any:
    """A reduction; ``before`` is done to the array first, and alone where there are no axes."""

    def reduce(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
        axes = axes_of(x, axis)
        return function(before(x), axes, keepdims) if axes else before(x)

    return named(reduce, name, f"``{name}`` over an axis, several, or all of them (None).")


def summed(x: Tensor, dtype: Any) -> Tensor:
    """The array in the type that its sum has: of 64 bits for integers unless one is given."""
    return x.to(dtype or sum_dtype(x.dtype))


def sum_dtype(kind: Any) -> Any:
    """The type of a sum: unsigned of unsigned integers, which sums of the core are not."""
    if kind.is_floating_point or kind.is_complex:
        return kind
    return core.int64 if kind.is_signed or kind is core.bool else core.uint64
