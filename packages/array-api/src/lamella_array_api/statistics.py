"""Statistical and utility functions of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_array_api.adapting import axes_of, named, over_axes, summed
from lamella_array_api.data_types import common

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = [
    "all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod",
    "std", "sum", "var",
]  # fmt: skip

max, min = over_axes("max", core.amax), over_axes("min", core.amin)
mean = over_axes("mean", core.mean)
any = over_axes("any", core.any, core.Tensor.bool)
all = over_axes("all", core.all, core.Tensor.bool)


def _product(x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    for axis in axes:
        x = core.prod(x, axis, keepdim=True)
    return x if keepdims else x.squeeze(axes)


def _total(name: str, function: Any) -> Any:
    def total(
        x: Tensor, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False
    ) -> Tensor:
        axes, x = axes_of(x, axis), summed(x, dtype)
        return function(x, axes, keepdims).to(x.dtype) if axes else x

    return named(total, name, f"``{name}`` over axes; of integers 64 bits unless a type is given.")


sum, prod = _total("sum", core.sum), _total("prod", _product)


def _spread(name: str, function: Any) -> Any:
    def spread(
        x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False
    ) -> Tensor:
        axes = axes_of(x, axis)
        if not axes:
            return function(x.unsqueeze(-1), -1, correction=correction)
        return function(x, axes, correction=correction, keepdim=keepdims)

    return named(spread, name, f"``{name}``; ``correction`` is taken from the number of elements.")


std, var = _spread("std", core.std), _spread("var", core.var)


def _cumulative(name: str, function: Any, start: Any) -> Any:
    def cumulative(
        x: Tensor,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        include_initial: bool = False,
    ) -> Tensor:
        if axis is None and x.ndim != 1:
            raise ValueError(f"{name}: axis is needed for an array of {x.ndim} dimensions")
        place = axis or 0
        x = summed(x, dtype)
        result = function(x, place).to(x.dtype)
        if include_initial:
            size = list(x.shape)
            size[place] = 1
            result = core.cat((start(size, dtype=x.dtype, device=x.device), result), place)
        return result

    return named(cumulative, name, f"``{name}`` of the first elements along an axis.")


cumulative_sum = _cumulative("cumulative_sum", core.cumsum, core.zeros)
cumulative_prod = _cumulative("cumulative_prod", core.cumprod, core.ones)


def diff(
    x: Tensor, /, n: int = 1, *, axis: int = -1, prepend: Any = None, append: Any = None
) -> Tensor:
    """Differences of neighbours, ``n`` times over."""
    parts = common(*(part for part in (prepend, x, append) if part is not None))
    return core.diff(core.cat(parts, axis) if len(parts) > 1 else x, n, axis)
