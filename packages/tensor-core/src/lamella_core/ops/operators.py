"""The primitives behind Python's arithmetic operators on tensors.

They take two operands and nothing else, so that ``a + b`` is one table look-up. PyTorch's functions
of the same names, with ``alpha`` and ``rounding_mode``, are composites over them: see
``arithmetic.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.conventions.pointwise import pointwise
from lamella_core.declaration import LazyMethod, inplace_variant, operator_method
from lamella_core.dispatch import WATCHED
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Number

NO_BOOL_SUBTRACTION = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
    "invert a mask, use the `~` or `logical_not()` operator instead."
)


@pointwise(method=False, inplace=False)
def add(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input + other``; the sum of bools is their logical or."""


@pointwise(method=False, inplace=False, refusals={"bool": NO_BOOL_SUBTRACTION}, refusals_of="each")
def sub(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input - other``."""


@pointwise(method=False, inplace=False, refusals={"bool": NO_BOOL_SUBTRACTION}, refusals_of="each")
def rsub(input: Tensor, other: Tensor | Number) -> Tensor:
    """``other - input``."""


@pointwise(exact_numbers=True)
def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The product ``input * other``, element-wise; of bools, their logical and.

    Args:
        input: a tensor.
        other: a tensor that broadcasts with ``input``, or a number.

    The result has the broadcast shape and the promoted type. Shapes that do not broadcast raise
    RuntimeError.
    """


@pointwise("float", method=False, inplace=False, exact_numbers=True)
def div(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input / other``; integers and bools give the default floating type."""


@pointwise(refuses="bool complex", reduced_precision=False, exact_numbers=True)
def floor_divide(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The quotient rounded towards minus infinity, ``floor(input / other)``, element-wise.

    An integer divided by zero raises RuntimeError with the text ``ZeroDivisionError``, a floating
    number gives an infinity or NaN. Bool and complex tensors raise NotImplementedError.
    """


@pointwise(refuses="bool complex", reduced_precision=False, tensor_first=True)
def remainder(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """Python's modulus, ``input - other * floor(input / other)``: it has the sign of ``other``.

    An integer modulo zero raises RuntimeError with the text ``ZeroDivisionError``, a floating
    number gives NaN. Bool and complex tensors raise NotImplementedError.
    """


@pointwise(refuses="bool", reduced_precision=False)
def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input`` to the power ``exponent``, element-wise.

    Args:
        input, exponent: tensors that broadcast with one another; one may be a number.

    An integer tensor to a negative whole number raises RuntimeError; with a tensor of exponents the
    quotient is rounded towards zero.
    """


@pointwise(
    refusals={
        "bool": "Negation, the `-` operator, on a bool tensor is not supported. If you are trying "
        "to invert a mask, use the `~` or `logical_not()` operator instead."
    }
)
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-input``, element-wise; uint8 wraps around, bools raise RuntimeError."""


@pointwise("real", refuses="bool")
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value, element-wise; a complex number's is ``sqrt(re^2 + im^2)``, a real."""


@pointwise("float")
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / input``, element-wise; integers and bools give the default floating type."""


def positive(input: Tensor) -> Tensor:
    """``input`` itself: the operator ``+``.

    Raises:
        RuntimeError: for a bool tensor.
    """
    if input.dtype.category == 0:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def attach_operators(function: Any, symbol: str, reflected: bool = True) -> None:
    """Gives Tensor the methods ``__symbol__`` and ``__isymbol__`` for a binary op.

    Args:
        function: the op's public function.
        symbol: ``"add"``.
        reflected: whether ``__rsymbol__`` is the same function, as for a commutative op.
    """
    method = operator_method(function, f"__{symbol}__")
    setattr(Tensor, f"__{symbol}__", method)
    if reflected:
        setattr(Tensor, f"__r{symbol}__", operator_method(function, f"__r{symbol}__"))
    name = f"__i{symbol}__"
    setattr(Tensor, name, LazyMethod(inplace_variant(function.op), function.__wrapped__, name))


def attach_swapped(function: Any, symbol: str) -> None:
    """Gives Tensor ``__rsymbol__`` for an op that takes numbers on both sides."""

    def swapped(self: Tensor, other: Any) -> Any:
        if other.__class__ not in _OPERANDS and not isinstance(other, _OPERANDS):
            return NotImplemented
        return function(other.item() if isinstance(other, np.generic) else other, self)

    swapped.__name__ = f"__r{symbol}__"
    setattr(Tensor, swapped.__name__, swapped)


_OPERANDS = (int, float, bool, complex, Tensor, np.number, np.bool_)


# Elements of a tensor from which a new one is worth avoiding.
_LARGE = 1 << 16


def _rtruediv(self: Tensor, other: Any) -> Any:
    if not isinstance(other, _OPERANDS):
        return NotImplemented
    result = reciprocal(self)
    if result._array.size > _LARGE and other.__class__ in (int, float) and not self._key & WATCHED:
        return result.mul_(other)  # type: ignore[attr-defined]
    return mul(result, other)


attach_operators(add, "add")
attach_operators(sub, "sub", reflected=False)
attach_operators(mul, "mul")
attach_operators(div, "truediv", reflected=False)
attach_operators(floor_divide, "floordiv", reflected=False)
attach_operators(remainder, "mod", reflected=False)
attach_operators(pow, "pow", reflected=False)
attach_swapped(floor_divide, "floordiv")
attach_swapped(remainder, "mod")
attach_swapped(pow, "pow")
Tensor.__rsub__ = operator_method(rsub, "__rsub__")  # type: ignore[attr-defined]
Tensor.__rtruediv__ = _rtruediv  # type: ignore[attr-defined]
Tensor.__neg__ = neg  # type: ignore[attr-defined]
Tensor.__pos__ = Tensor.positive = positive  # type: ignore[attr-defined]
Tensor.__abs__ = abs  # type: ignore[attr-defined]
# NumPy arrays and scalars on the left leave the operation to the tensor on the right.
Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]

__all__ = ["abs", "floor_divide", "mul", "neg", "positive", "pow", "reciprocal", "remainder"]
