"""Statistical and utility functions of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_core.array_api.data_types import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dtype import dtype as DType
    from lamella_core.tensor import Tensor

    Axis = int | tuple[int, ...] | None

__all__ = [
    "all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod",
    "std", "sum", "var",
]  # fmt: skip


def axes_of(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes that an argument ``axis`` stands for; PyTorch takes none for all."""
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _over(function: Callable[..., Tensor], x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    axes = axes_of(x, axis)
    return function(x, axes, keepdims) if axes else x.clone()


def max(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The greatest element."""
    return _over(core.amax, x, axis, keepdims)


def min(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The least element."""
    return _over(core.amin, x, axis, keepdims)


def mean(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean."""
    return _over(core.mean, x, axis, keepdims)


def any(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether an element is not zero: bool."""
    return _over(core.any, x.bool(), axis, keepdims)


def all(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element is zero: bool."""
    return _over(core.all, x.bool(), axis, keepdims)


def _summed(x: Tensor, dtype: DType | None) -> Tensor:
    integers = not (x.is_floating_point() or x.is_complex())
    return x.to(dtype or (core.int64 if integers else x.dtype))


def sum(
    x: Tensor, /, *, axis: Axis = None, dtype: DType | None = None, keepdims: bool = False
) -> Tensor:
    """The sum; of integers int64 unless a type is given."""
    return _over(core.sum, _summed(x, dtype), axis, keepdims)


def prod(
    x: Tensor, /, *, axis: Axis = None, dtype: DType | None = None, keepdims: bool = False
) -> Tensor:
    """The product; of integers int64 unless a type is given."""
    axes, x = axes_of(x, axis), _summed(x, dtype)
    for each in axes:
        x = core.prod(x, each, keepdim=True)
    return x if keepdims or not axes else x.squeeze(axes)


def std(
    x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The square root of the variance."""
    return var(x, axis=axis, correction=correction, keepdims=keepdims).sqrt()


def var(
    x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The variance; ``correction`` is taken from the number of elements."""
    axes = axes_of(x, axis)
    if not axes:
        return core.zeros_like(x)
    return core.var(x, axes, correction=correction, keepdim=keepdims)


def _cumulative(
    function: Callable[..., Tensor],
    start: Any,
    x: Tensor,
    axis: int | None,
    dtype: DType | None,
    include_initial: bool,
) -> Tensor:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"axis is needed for an array of {x.ndim} dimensions")
        axis = 0
    result = function(_summed(x, dtype), axis)
    if include_initial:
        result = core.cat((start(result.narrow(axis, 0, 0).sum(axis, True)), result), axis)
    return result


def cumulative_sum(
    x: Tensor,
    /,
    *,
    axis: int | None = None,
    dtype: DType | None = None,
    include_initial: bool = False,
) -> Tensor:
    """Sums of the first elements, 0 before them where ``include_initial``."""
    return _cumulative(core.cumsum, core.zeros_like, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Tensor,
    /,
    *,
    axis: int | None = None,
    dtype: DType | None = None,
    include_initial: bool = False,
) -> Tensor:
    """Products of the first elements, 1 before them where ``include_initial``."""
    return _cumulative(core.cumprod, core.ones_like, x, axis, dtype, include_initial)


def diff(
    x: Tensor,
    /,
    n: int = 1,
    *,
    axis: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours, ``n`` times over."""
    parts = common(*(part for part in (prepend, x, append) if part is not None))
    return core.diff(core.cat(parts, axis) if len(parts) > 1 else x, n, axis)
