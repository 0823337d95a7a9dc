"""Array kernels of the ops that put elements in another arrangement."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import order_of
from lamella_core.kernels.copying import in_order


@shared_kernel
def flip(xp: Any, input: Any, dims: tuple[int, ...]) -> Any:
    place = [slice(None)] * input.ndim
    for dim in dims:
        place[dim] = slice(None, None, -1)
    if 0 in input.strides and input.size:
        order = order_of(input.shape, input.strides)
        return in_order(input[tuple(place)], order, input.dtype)
    return input[tuple(place)].copy("K")


@shared_kernel
def roll(xp: Any, input: Any, shifts: Any, dims: Any) -> Any:
    if dims is None:
        return roll(xp, input.reshape(-1), shifts, 0).reshape(input.shape)
    if dims.__class__ is int:
        shifts, dims = (shifts,), (dims,)
    for shift, dim in zip(shifts, dims, strict=True):
        place = input.shape[dim] - shift % (input.shape[dim] or 1)
        head = (slice(None),) * dim
        parts = input[(*head, slice(place, None))], input[(*head, slice(place))]
        input = xp.empty(input.shape, input.dtype)
        xp.concatenate(parts, dim, out=input)
    return input


@shared_kernel
def tril(xp: Any, input: Any, diagonal: int) -> Any:
    return xp.tril(xp.ascontiguousarray(input), diagonal)


@shared_kernel
def triu(xp: Any, input: Any, diagonal: int) -> Any:
    return xp.triu(xp.ascontiguousarray(input), diagonal)


@shared_kernel
def repeat(xp: Any, input: Any, repeats: tuple[int, ...]) -> Any:
    return xp.asarray(xp.tile(input, repeats), order="C")


@shared_kernel
def repeated_places(xp: Any, repeats: Any) -> Any:
    return xp.repeat(xp.arange(repeats.size), repeats.tolist()).astype(repeats.dtype)
