"""Brings a gradient to the shape and type of the argument it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import NO_GRAD, TRANSFORMING
from lamella_core.dispatch import modes
from lamella_core.dtype import COMPLEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype
    from lamella_core.tensor import Tensor

# Up to so many elements a new result is quicker than one in place.
SMALL = 4096


def restore(grad: Tensor, shape: tuple[int, ...] | None, dtype: dtype) -> Tensor:
    """Undoes broadcasting (by summing) and promotion (by casting) of an operand.

    Args:
        grad: the gradient in the shape and type that the call had.
        shape: the argument's shape; None where the formula has brought it already.
        dtype: the argument's type; a real argument takes the real part of a complex gradient.
    """
    if grad._dtype is not dtype:
        if grad._dtype.category == COMPLEX and dtype.category != COMPLEX:
            grad = grad.real
        grad = grad.to(dtype)
    if shape is not None and grad._array.shape != shape:
        grad = sum_to_shape(grad, shape)
    return grad


def sum_to_shape(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sums over the dimensions along which a tensor of ``shape`` was broadcast."""
    have = grad._array.shape
    added = len(have) - len(shape)
    dims = tuple(range(added)) + tuple(
        i + added for i, size in enumerate(shape) if size == 1 and have[i + added] != 1
    )
    if dims:
        grad = grad.sum(dims, keepdim=True)
    return grad.reshape(shape) if added else grad


def is_unseen() -> bool:
    """Whether neither a graph nor a transform sees the calls of a formula."""
    return modes.bits & (NO_GRAD | TRANSFORMING) == NO_GRAD


def onto_zeros(grad: Tensor, shape: Sequence[int], op_name: str, *args: Any) -> Tensor:
    """``grad.new_zeros(shape).op(*args)``, in place where nobody sees it."""
    return _called(grad.new_zeros(shape), op_name, is_unseen(), args)


def reused(own: Tensor, op_name: str, *args: Any) -> Tensor:
    """``own.op(*args)``, in place where nobody sees it and ``own`` is not small.

    ``own`` is the formula's own, and the result has its shape and type.
    """
    return _called(own, op_name, own._array.size > SMALL and is_unseen(), args)


def _called(own: Tensor, op_name: str, in_place: bool, args: tuple[Any, ...]) -> Tensor:
    return getattr(own, f"{op_name}_" if in_place else op_name)(*args)  # type: ignore[no-any-return]
