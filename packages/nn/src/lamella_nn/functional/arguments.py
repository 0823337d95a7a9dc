"""Reading of the arguments that several functions have in common."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import INFERENCE, NO_GRAD
from lamella_core.dispatch import REORDERED, REQUIRES_GRAD, backend_of_tensor, modes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor
    from lamella_core.dtype import dtype

_WORDS = {1: "one", 2: "two", 3: "three"}


def per_dimension(op_name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """One integer for all dimensions, or one for each.

    Raises:
        TypeError: for what is no integer.
        RuntimeError: for a wrong number of them.
    """
    if value.__class__ is int:
        return (value,) * dims
    try:
        given = value if isinstance(value, (tuple, list)) else (value,)
        if given and given[0].__class__ is bool:
            # As in PyTorch, which looks at the first one alone for this.
            raise TypeError
        numbers = tuple([index(n) for n in given])
    except TypeError:
        raise TypeError(
            f"{op_name}(): argument '{argument}' must be an int or a tuple of {dims} ints, but got "
            f"{value!r} of type {type(value).__name__}"
        ) from None
    if len(numbers) == 1:
        return numbers * dims
    if len(numbers) != dims:
        raise RuntimeError(
            f"{op_name}: {argument} must either be a single int, or a tuple of {_WORDS[dims]} "
            "ints, "
            f"but got {list(numbers)}"
        )
    return numbers


def check_type(argument: str, given: Tensor, wanted: dtype) -> None:
    """Raises RuntimeError for a tensor of another type than the one that an argument must have."""
    if given._dtype is not wanted:
        raise RuntimeError(
            f"expected scalar type {wanted.class_name} but found {given._dtype.class_name} "
            f"({argument} must be {wanted.name}; convert it with .to())"
        )


def listed(sizes: Sequence[int]) -> str:
    """``[64, 3, 8, 8]``, as messages show a shape."""
    return str(list(sizes))


def times(sizes: Sequence[int]) -> str:
    """``(3x8x8)``, as messages show sizes."""
    return f"({'x'.join(map(str, sizes))})"


def spaced(sizes: Sequence[int]) -> str:
    """``(8 x 8)``, as messages show sizes a channel."""
    return f"({' x '.join(map(str, sizes))})"


def is_constant(input: Tensor) -> bool:
    """Whether no layer sees what is called with the tensor, autograd's for one."""
    bits = input._key & ~REORDERED
    if modes.bits & NO_GRAD:
        bits &= ~REQUIRES_GRAD
    return bits == backend_of_tensor(input).key and not modes.bits & ~(NO_GRAD | INFERENCE)
