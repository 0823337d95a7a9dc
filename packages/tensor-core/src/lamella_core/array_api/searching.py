"""Searching, set and sorting functions of the standard."""

from __future__ import annotations

from typing import Any, NamedTuple

import lamella_core as core
from lamella_core.array_api.data_types import common
from lamella_core.array_api.statistics import axes_of
from lamella_core.tensor import Tensor

__all__ = [
    "argmax", "argmin", "argsort", "count_nonzero", "nonzero", "searchsorted", "sort",
    "unique_all", "unique_counts", "unique_inverse", "unique_values", "where",
]  # fmt: skip


def _best(function: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    if axis is None:
        found = function(x.flatten(), 0)
        return found.reshape((1,) * x.ndim) if keepdims else found
    return function(x, axis, keepdims)


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first greatest element."""
    return _best(core.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the first least element."""
    return _best(core.argmin, x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """How many elements are not zero: int64."""
    axes = axes_of(x, axis)
    found = (x != 0).to(core.int64)
    return found.sum(axes, keepdims) if axes else found


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The indices of elements that are not zero, an array for each axis.

    Raises:
        ValueError: for an array without dimensions.
    """
    if not x.ndim:
        raise ValueError("nonzero: expected an array of at least 1 dimension")
    return core.nonzero(x, as_tuple=True)


def searchsorted(
    x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Tensor | None = None
) -> Tensor:
    """Where the elements of ``x2`` belong among the sorted ``x1``."""
    first, second = common(x1, x2)
    return core.searchsorted(first, second, side=side, sorter=sorter)


def where(condition: Tensor, x1: Any = None, x2: Any = None, /) -> Any:
    """Elements of ``x1`` where the condition holds, else of ``x2``; alone, as :func:`nonzero`."""
    if x1 is None:
        return nonzero(condition)
    if not isinstance(x1, Tensor) and not isinstance(x2, Tensor):
        return core.where(condition, x1, x2)
    return core.where(condition, *common(x1, x2))


class UniqueAll(NamedTuple):
    """What :func:`unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What :func:`unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What :func:`unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAll:
    """Different elements, sorted; where each is first; which each element is; how many."""
    values, inverse, counts = core.unique(x, return_inverse=True, return_counts=True)
    flat = inverse.flatten()
    first = flat.new_full(values.shape, len(flat))
    first = first.scatter_reduce(0, flat, core.arange(len(flat), device=x.device), "amin")
    return UniqueAll(values, first, inverse.reshape(x.shape), counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """Different elements, sorted, and how often each is there."""
    return UniqueCounts(*core.unique(x, return_counts=True))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """Different elements, sorted, and which of them each element is."""
    values, inverse = core.unique(x, return_inverse=True)
    return UniqueInverse(values, inverse.reshape(x.shape))


def unique_values(x: Tensor, /) -> Tensor:
    """Different elements, sorted."""
    return core.unique(x)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along an axis."""
    return core.sort(x, axis, descending, stable=stable)[0]


def argsort(
    x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True
) -> Tensor:
    """The indices that sort along an axis."""
    return core.argsort(x, axis, descending, stable=stable)
