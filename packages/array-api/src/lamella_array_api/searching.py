"""Searching, set and sorting functions of the standard."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import lamella_core as core
from lamella_array_api.adapting import over_axes
from lamella_array_api.data_types import common
from lamella_core.tensor import Tensor

__all__ = [
    "argmax", "argmin", "argsort", "count_nonzero", "nonzero", "searchsorted", "sort",
    "unique_all", "unique_counts", "unique_inverse", "unique_values", "where",
]  # fmt: skip

UniqueAll = namedtuple("UniqueAll", "values indices inverse_indices counts")
UniqueCounts = namedtuple("UniqueCounts", "values counts")
UniqueInverse = namedtuple("UniqueInverse", "values inverse_indices")


argmax, argmin = core.argmax, core.argmin
count_nonzero = over_axes("count_nonzero", core.sum, lambda x: (x != 0).to(core.int64))


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The indices of elements that are not zero, an array for each axis.

    Raises:
        ValueError: for an array without dimensions.
    """
    if not x.ndim:
        raise ValueError("nonzero: expected an array of at least 1 dimension")
    return core.nonzero(x, as_tuple=True)


def searchsorted(x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Any = None) -> Tensor:
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


def _unique(x: Tensor, *wanted: str) -> Any:
    # Complex numbers, which PyTorch's does not take, are in the order of their parts.
    options: Any = dict.fromkeys(wanted, True)
    if not x.is_complex():
        return core.unique(x, **options)
    found = core.unique(core.view_as_real(x.flatten()), dim=0, **options)
    if not wanted:
        return core.view_as_complex(found)
    return core.view_as_complex(found[0]), *found[1:]


def unique_all(x: Tensor, /) -> UniqueAll:
    """Different elements, sorted; where each is first; which each element is; how many."""
    values, inverse, counts = _unique(x, "return_inverse", "return_counts")
    flat = inverse.flatten()
    first = flat.new_full(values.shape, len(flat))
    first = first.scatter_reduce(0, flat, core.arange(len(flat), device=x.device), "amin")
    return UniqueAll(values, first, inverse.reshape(x.shape), counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """Different elements, sorted, and how often each is there."""
    return UniqueCounts(*_unique(x, "return_counts"))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """Different elements, sorted, and which of them each element is."""
    values, inverse = _unique(x, "return_inverse")
    return UniqueInverse(values, inverse.reshape(x.shape))


def unique_values(x: Tensor, /) -> Tensor:
    """Different elements, sorted."""
    found: Tensor = _unique(x)
    return found


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along an axis."""
    return core.sort(x, axis, descending, stable=stable)[0]


def argsort(
    x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True
) -> Tensor:
    """The indices that sort along an axis."""
    return core.argsort(x, axis, descending, stable=stable)
