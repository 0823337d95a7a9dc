"""The memory that a caller gave as ``out=``, on offer to the kernel that makes the result.

A kernel gives new arrays. Where one may be large it asks here for memory, and gets what is on offer
to its thread if it has the result's shape and type: then nothing is left to copy. An offer may be
left alone; see ``conventions.results.offering``.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

# By thread. Kernels look here before they ask: there is an offer only where ``out`` is large.
offers: dict[int, list[Any]] = {}


def offered(shape: tuple[int, ...], dtype: Any, row_major: bool = False) -> Any:
    """The array on offer for a result of this shape and type, of any strides, or None."""
    places = offers.get(get_ident(), [])
    for i, place in enumerate(places):
        if place.shape == shape and place.dtype == dtype:
            if row_major and not place.flags.c_contiguous:
                return None
            return places.pop(i)
    return None


def room(xp: Any, shape: tuple[int, ...], dtype: Any, row_major: bool = False) -> Any:
    """The array on offer for a result, or a new one."""
    place = offered(shape, dtype, row_major) if offers else None
    return xp.empty(shape, dtype) if place is None else place


def under_offer() -> bool:
    """Whether this thread's result will be stored elsewhere, so that its layout does not matter."""
    return get_ident() in offers
