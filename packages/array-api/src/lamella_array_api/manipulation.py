"""Manipulation and indexing functions of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_array_api.data_types import common
from lamella_core import broadcast_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor

__all__ = [
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis",
    "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "take", "take_along_axis",
    "tile", "unstack",
]  # fmt: skip

moveaxis, permute_dims, tile = core.moveaxis, core.permute, core.tile
repeat, unstack = core.repeat_interleave, core.unbind


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """The arrays as views of one shape."""
    return list(core.broadcast_tensors(*arrays))


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Arrays joined along an existing axis; along one axis in all when it is None."""
    parts = common(*arrays)
    if axis is None:
        return core.cat([part.flatten() for part in parts])
    return core.cat(parts, axis)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Arrays of one shape joined along a new axis."""
    return core.stack(common(*arrays), axis)


def expand_dims(x: Tensor, /, *, axis: int = 0) -> Tensor:
    """A view with a new axis of size 1."""
    return x.unsqueeze(axis)


def squeeze(x: Tensor, /, axis: int | tuple[int, ...]) -> Tensor:
    """A view without axes of size 1.

    Raises:
        ValueError: for an axis of another size.
    """
    axes = (axis,) if isinstance(axis, int) else axis
    if any(x.size(a) != 1 for a in axes):
        raise ValueError(f"squeeze: expected axes of size 1, got {axis} of shape {tuple(x.shape)}")
    return x.squeeze(axes)


def flip(x: Tensor, /, *, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """The elements in reverse order along axes, all of them when None."""
    return x.flip(tuple(range(x.ndim)) if axis is None else axis)


def roll(x: Tensor, /, shift: Any, *, axis: Any = None) -> Tensor:
    """The elements moved along axes, those at the end coming in at the beginning."""
    if axis is not None and isinstance(shift, int) and not isinstance(axis, int):
        shift = (shift,) * len(axis)
    return core.roll(x, shift, axis)


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """The elements in another shape.

    Raises:
        ValueError: when ``copy`` is False and the strides ask for a copy.
    """
    if copy is False:
        try:
            return x.view(shape)
        except RuntimeError as error:
            raise ValueError(f"reshape: copy=False, but {error}") from None
    return (x.clone() if copy else x).reshape(shape)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The slices along an axis at a list of indices."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"take: axis is needed for an array of {x.ndim} dimensions")
    place = 0 if axis is None else axis % x.ndim
    return x[(slice(None),) * place + (indices.long(),)]


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """The elements along an axis at indices that other positions choose for themselves."""
    size = x.size(axis)
    return core.take_along_dim(x, core.where(indices < 0, indices + size, indices).long(), axis)
