"""Array kernels of the ops that copy elements from one place, order or type to another."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def clone(xp: Any, input: Any, order: Any) -> Any:
    if order.__class__ is str:
        return input.copy(order)
    back = sorted(range(len(order)), key=order.__getitem__)
    return input.transpose(order).copy("C").transpose(back)


@shared_kernel
def to_dtype(xp: Any, input: Any, dtype: Any) -> Any:
    # Dimensions of stride 0 have no order to keep.
    return input.astype(dtype.numpy, "C" if 0 in input.strides else "K")


@shared_kernel
def copy(xp: Any, input: Any, src: Any) -> None:
    input[...] = src


@shared_kernel
def fill(xp: Any, input: Any, value: Any) -> None:
    try:
        input[...] = value
    except (OverflowError, ValueError):
        raise RuntimeError(
            f"value cannot be converted to type {input.dtype} without overflow: {value}"
        ) from None
