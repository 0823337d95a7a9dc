"""Logical and bitwise ops, and the operators ``& | ^ ~ << >>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.alike import alike
from lamella_core.conventions.pointwise import pointwise
from lamella_core.dtype import INTEGER
from lamella_core.ops.operators import attach_operators, attach_swapped
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Number


def _of_two(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A function of the truth of two elements."""


logical_and, logical_or, logical_xor = alike(
    _of_two,
    pointwise("bool"),
    {
        name: f"Whether {which} nonzero; NaN counts as nonzero."
        for name, which in (
            ("logical_and", "both elements are"),
            ("logical_or", "at least one of two elements is"),
            ("logical_xor", "exactly one of two elements is"),
        )
    },
)


@pointwise("bool")
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether each element is zero."""


def _of_bits(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """A function of the bits of two integers."""


bitwise_and, bitwise_or, bitwise_xor = alike(
    _of_bits,
    pointwise(refuses="floating complex", tensor_first=True),
    {
        "bitwise_and": "The bits that both integers have; the logical and of bools.",
        "bitwise_or": "The bits that at least one of two integers has; the logical or of bools.",
        "bitwise_xor": "The bits that exactly one of two integers has; the exclusive or of bools.",
    },
)


@pointwise(refuses="floating complex")
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """All bits inverted, ``-input - 1`` for signed integers; the logical not of bools."""


bitwise_left_shift, bitwise_right_shift = alike(
    _of_bits,
    pointwise(refuses="bool floating complex", tensor_first=True),
    {
        "bitwise_left_shift": """The bits moved up by ``other`` places.

    0 where that is negative or no less than the width.
    """,
        "bitwise_right_shift": """The bits moved down by ``other`` places, the sign bit repeated.

    Where ``other`` is negative or no less than the width only the sign is left.
    """,
    },
)


def _invert(self: Tensor) -> Tensor:
    if self._dtype.category > INTEGER:
        raise TypeError(
            f"~ (operator.invert) is only implemented on integer and Boolean-type tensors, "
            f"got {self._dtype!r}"
        )
    return bitwise_not(self)


attach_operators(bitwise_and, "and")
attach_operators(bitwise_or, "or")
attach_operators(bitwise_xor, "xor")
attach_operators(bitwise_left_shift, "lshift", reflected=False)
attach_operators(bitwise_right_shift, "rshift", reflected=False)
attach_swapped(bitwise_left_shift, "lshift")
attach_swapped(bitwise_right_shift, "rshift")
Tensor.__invert__ = _invert  # type: ignore[attr-defined]

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "logical_and", "logical_not", "logical_or", "logical_xor",
]  # fmt: skip
