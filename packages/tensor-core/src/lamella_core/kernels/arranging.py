"""Array kernels of the ops that put elements in another arrangement."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def flip(xp: Any, input: Any, dims: tuple[int, ...]) -> Any:
    return xp.flip(input, dims).copy("K") if dims else input.copy("K")


@shared_kernel
def roll(xp: Any, input: Any, shifts: Any, dims: Any) -> Any:
    return xp.ascontiguousarray(xp.roll(input, shifts, dims)).reshape(input.shape)


@shared_kernel
def tril(xp: Any, input: Any, diagonal: int) -> Any:
    return xp.tril(xp.ascontiguousarray(input), diagonal)


@shared_kernel
def triu(xp: Any, input: Any, diagonal: int) -> Any:
    return xp.triu(xp.ascontiguousarray(input), diagonal)


@shared_kernel
def repeat(xp: Any, input: Any, repeats: tuple[int, ...]) -> Any:
    return xp.tile(input, repeats)


@shared_kernel
def repeated_places(xp: Any, repeats: Any) -> Any:
    return xp.repeat(xp.arange(repeats.size), repeats.tolist()).astype(repeats.dtype)
