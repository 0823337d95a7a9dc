"""Array kernels of the ops that copy elements from one place, order or type to another."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel
from lamella_core.formats import order_of


def in_order(input: Any, order: Any, dtype: Any) -> Any:
    # A copy laid out in an order of the dimensions, outermost first.
    back = sorted(range(len(order)), key=order.__getitem__)
    return input.transpose(order).astype(dtype, "C").transpose(back)


@shared_kernel
def clone(xp: Any, input: Any, order: Any) -> Any:
    if order.__class__ is str:
        return input.copy(order)
    return in_order(input, order, input.dtype)


@shared_kernel
def to_dtype(xp: Any, input: Any, dtype: Any) -> Any:
    if 0 in input.strides and input.size:
        # NumPy would lay out the copy of repeated elements with the repetition innermost.
        return in_order(input, order_of(input.shape, input.strides), dtype.numpy)
    return input.astype(dtype.numpy)


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
