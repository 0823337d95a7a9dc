"""Arithmetic as functions and methods: PyTorch's ``add`` to ``lcm``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import number_of_type
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import not_implemented_for
from lamella_core.conventions.pointwise import pointwise
from lamella_core.conventions.pointwise_values import wrapped_number
from lamella_core.conventions.results import check_tensors, offering, write_out, write_outs
from lamella_core.declaration import LazyMethod, call_inplace, inplace_variant
from lamella_core.dispatch import WATCHED
from lamella_core.ops import operators
from lamella_core.ops.creation import full
from lamella_core.ops.operators import (
    abs,
    floor_divide,
    mul,
    neg,
    positive,
    pow,
    reciprocal,
    remainder,
)
from lamella_core.promotion import result_dtype
from lamella_core.return_types import frexp as FrexpResult
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lamella_core.typing import Number

_NUMBERS = (bool, int, float, complex)

_NO_INTEGER_ADDCDIV = (
    "Integer division with addcdiv is no longer supported; for a true quotient convert the tensors "
    "to a floating type, for a rounded one use "
    "input + value * torch.div(tensor1, tensor2, rounding_mode='trunc')."
)


def alias(function: Any, *names: str) -> None:
    """Gives an op's methods on Tensor, the in-place one included, further names."""
    for name in names:
        setattr(Tensor, name, function)
        setattr(
            Tensor,
            f"{name}_",
            LazyMethod(inplace_variant(function.op), function.__wrapped__, f"{name}_"),
        )


# ------------ sums with a multiplier


def _common(input: Any, other: Any) -> Any:
    own = getattr(input, "_dtype", None)
    if own is not None and own is getattr(other, "_dtype", None):
        return own
    return result_dtype((input, other))


def _scaled(input: Any, other: Any, alpha: Number) -> Any:
    # ``alpha * other`` in the type that ``input`` and ``other`` have together.
    common = _common(input, other)
    if isinstance(alpha, bool):
        if common.category != dtypes.BOOL:
            raise RuntimeError("Boolean alpha only supported for Boolean results.")
    elif isinstance(alpha, float) and common.category < dtypes.FLOATING:
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    elif isinstance(alpha, complex) and common.category < dtypes.COMPLEX:
        raise RuntimeError(
            "For non-complex input tensors, argument alpha must not be a complex number."
        )
    alpha = number_of_type(alpha, common)
    if isinstance(other, _NUMBERS):
        return alpha * other if common.category != dtypes.BOOL else bool(alpha and other)
    if common.category == dtypes.BOOL:
        return mul(other, bool(alpha))
    if other._dtype is not common:
        other = other.to(common)
    return scaled(other, alpha)


# Elements from which a product of its own is worth avoiding.
_LARGE = 1 << 17


def _factor(input: Any, other: Any, alpha: Number, minus: bool = False) -> Tensor | None:
    # ``alpha``, or ``-alpha``, as a tensor where ``addcmul`` is to add its product with ``other``.
    #
    # For float16 and bfloat16: PyTorch rounds ``alpha`` to their type, and then the sum, once. For
    # large tensors: the product takes no memory.
    if alpha.__class__ not in (int, float, complex):
        return None
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        return None
    common = _common(input, other)
    if common not in dtypes.REDUCED_PRECISION and (
        other._array.size < _LARGE
        or (input._key | other._key) & WATCHED
        or dtypes.of_number(alpha).category > common.category
        or common.category == dtypes.BOOL
    ):
        return None
    if common.category == dtypes.INTEGER:
        number_of_type(alpha, common)
        alpha = wrapped_number(-alpha if minus else alpha, common.numpy)
    elif minus:
        alpha = -alpha
    return full((), alpha, dtype=common, device=other.device)


def _with_multiple(
    plain: Any, fused: Any, input: Any, other: Any, alpha: Number, minus: bool = False
) -> Any:
    # ``plain(input, alpha * other)``, or ``fused(input, other, alpha)`` where that is better.
    for each in (input, other) if minus else ():
        if isinstance(each, bool) or getattr(each, "_dtype", None) is dtypes.bool_:
            raise RuntimeError(operators.NO_BOOL_SUBTRACTION)
    factor = _factor(input, other, alpha, minus)
    if factor is not None:
        return fused(input, other, factor)
    return plain(input, _scaled(input, other, alpha))


@composite
def add(
    input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``input + alpha * other``, element-wise.

    Args:
        input: a tensor, or a number where ``other`` is a tensor.
        other: a tensor that broadcasts with ``input``, or a number.
        alpha: a number of no higher category than the result: no float for integers.
        out: the tensor to write the result into.

    The result has the broadcast shape and the promoted type. Shapes that do not broadcast, and an
    ``alpha`` of a higher category, raise RuntimeError.
    """
    if alpha != 1 or alpha is True:
        plain, fused = partial(operators.add, out=out), partial(addcmul, out=out)
        return _with_multiple(plain, fused, input, other, alpha)
    return operators.add(input, other, out=out)


@composite
def add_(self: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Adds ``alpha * other`` to the tensor in place; see :func:`add`."""
    if alpha != 1 or alpha is True:
        return _with_multiple(Tensor.__iadd__, Tensor.addcmul_, self, other, alpha)
    return self.__iadd__(other)


@composite
def sub(
    input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``input - alpha * other``, element-wise; arguments as for :func:`add`.

    Bool operands raise RuntimeError.
    """
    if alpha != 1 or alpha is True:
        plain, fused = partial(operators.sub, out=out), partial(addcmul, out=out)
        return _with_multiple(plain, fused, input, other, alpha, minus=True)
    return operators.sub(input, other, out=out)


@composite
def sub_(self: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """Subtracts ``alpha * other`` from the tensor in place; see :func:`sub`."""
    if alpha != 1 or alpha is True:
        return _with_multiple(Tensor.__isub__, Tensor.addcmul_, self, other, alpha, minus=True)
    return self.__isub__(other)


@composite(method=False)
def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``: :func:`sub` with the operands exchanged."""
    if alpha != 1 or alpha is True:

        def plain(other: Any, scaled: Any) -> Tensor:
            return operators.rsub(scaled, other)

        return _with_multiple(plain, addcmul, other, input, alpha, minus=True)
    return operators.rsub(input, other)


subtract = sub
Tensor.subtract = sub  # type: ignore[attr-defined]
Tensor.subtract_ = sub_  # type: ignore[attr-defined]
multiply = mul
alias(mul, "multiply")
negative = neg
alias(neg, "negative")
absolute = abs
alias(abs, "absolute")


# ------------ quotients


_div_trunc = pointwise(refuses="bool complex", exact_numbers=True)(
    "div_trunc(input: Tensor | Number, other: Tensor | Number, out)"
)
_div_floor = pointwise(refuses="bool complex", reduced_precision=False, exact_numbers=True)(
    "div_floor(input: Tensor | Number, other: Tensor | Number, out)"
)


def _quotient(rounding_mode: str | None) -> Callable[..., Tensor]:
    if rounding_mode is None:
        return operators.div
    if rounding_mode == "trunc":
        return _div_trunc
    if rounding_mode == "floor":
        return _div_floor
    raise RuntimeError(
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
        f"{rounding_mode!r}"
    )


@composite
def div(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``input / other``, element-wise, rounded if asked for.

    Args:
        input: a tensor, or a number where ``other`` is a tensor.
        other: a tensor that broadcasts with ``input``, or a number.
        rounding_mode: None gives the true quotient, integers and bools becoming the default
            floating type; ``"trunc"`` rounds it towards zero, ``"floor"`` towards minus infinity,
            and both keep the promoted type.
        out: the tensor to write the result into.

    Raises:
        RuntimeError: for another rounding mode; with a rounding mode, for an integer divided by
            zero (its text is ``ZeroDivisionError``).
    """
    if rounding_mode is None:
        return operators.div(input, other, out=out)
    return _quotient(rounding_mode)(input, other, out=out)


@composite
def div_(self: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """Divides the tensor in place; see :func:`div`."""
    if rounding_mode is None:
        return self.__itruediv__(other)
    return call_inplace(_quotient(rounding_mode).op, self, other)  # type: ignore[attr-defined]


divide = div
Tensor.divide = div  # type: ignore[attr-defined]
Tensor.divide_ = div_  # type: ignore[attr-defined]
Tensor.__div__ = Tensor.__truediv__  # type: ignore[attr-defined]


@composite(inplace=True)
def true_divide(
    input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """:func:`div` without rounding."""
    return operators.div(input, other, out=out)


@pointwise(refuses="bool complex", reduced_precision=False)
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """C's modulus, ``input - other * trunc(input / other)``: it has the sign of ``input``.

    An integer modulo zero raises RuntimeError with the text ``ZeroDivisionError``.
    """


# ------------ powers


@composite(inplace=True)
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * input``, element-wise; bools give int64."""
    return pow(input, 2, out=out)


@composite
def float_power(
    input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """:func:`pow` computed in float64, or in complex128 where an operand is complex.

    Args:
        out: a tensor of that type; another raises RuntimeError.
    """
    category = max(
        dtypes.of_number(each).category if isinstance(each, _NUMBERS) else each.dtype.category
        for each in (input, exponent)
    )
    wide = dtypes.complex128 if category == dtypes.COMPLEX else dtypes.float64
    if out is not None and out.dtype is not wide:
        raise RuntimeError(
            f"the output given to float_power has dtype {out.dtype.class_name} but the operation's "
            f"result requires dtype {wide.class_name}"
        )
    if isinstance(input, Tensor):
        input = input.to(wide)
    if isinstance(exponent, Tensor) and not (isinstance(input, Tensor) and input._array.ndim):
        exponent = exponent.to(wide)
    return pow(input, exponent, out=out)


@composite
def float_power_(self: Tensor, exponent: Tensor | Number) -> Tensor:
    """:func:`float_power` in place, for float64 and complex128 tensors only."""
    # The clone is what the derivative keeps; the tensor itself is about to change.
    result = float_power(self.clone(), exponent)
    if result.dtype is not self.dtype:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.class_name} but the operation's "
            f"result requires dtype {result.dtype.class_name}"
        )
    return write_out("float_power_", self.copy_(result), None)


@pointwise("float")
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root, element-wise; NaN for negative numbers, the principal root for complex."""


@pointwise("float", reduced_precision=False)
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / sqrt(input)``, element-wise."""


@pointwise(refuses="bool integer complex")
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sqrt(input^2 + other^2)`` without overflow, element-wise."""


# Also for powers of 2 that are out of range.
_ldexp = pointwise()("ldexp(input: Tensor, other: Tensor, out)")
# Of two tensors of one type, float32 or float64: half precision rounds the power, too.
_times_power = pointwise()("times_power(input: Tensor, other: Tensor, out)")


@composite(inplace=True)
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * 2 ** other``, element-wise, computed in floating numbers."""
    check_tensors("ldexp", input=input, other=other)
    if other._dtype.category < dtypes.FLOATING:
        if input._dtype.category == dtypes.FLOATING:
            if other._dtype is dtypes.bool_:
                raise not_implemented_for("ldexp", other._dtype)
            return _ldexp(input, other, out=out)
        if input._dtype.is_complex:
            other = other.to(input._dtype)
    if other._dtype is input._dtype in (dtypes.float32, dtypes.float64):
        result = _times_power(input, other, out=out)
    else:
        result = mul(input, pow(2.0, other), out=out)
    return write_out("ldexp", result, None)


_frexp = arrays(returns=FrexpResult)("frexp(input: Tensor)")


@composite
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """Splits floating numbers: ``input = mantissa * 2 ** exponent``, ``0.5 <= |mantissa| < 1``.

    Returns:
        A named tuple ``(mantissa, exponent)``; the exponent is int32.

    Raises:
        RuntimeError: for tensors that are not floating.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError(
            f"torch.frexp() only supports floating-point dtypes, got {input.dtype!r}"
        )
    return write_outs("frexp", offering(out, _frexp)(input), out, exact=False)


# ------------ three operands


_lerp = pointwise(refuses="bool integer", reduced_precision=False, exact_numbers=True)(
    "lerp(input: Tensor, end: Tensor, weight: Tensor | Number, out)"
)


def _check_lerp(input: Tensor, end: Tensor, weight: Any) -> None:
    number = not isinstance(weight, Tensor)
    for name, each in (("end", end), ("weight", weight)):
        if name == "weight" and (number or not weight._array.ndim):
            continue
        if isinstance(each, Tensor) and each._dtype is not input._dtype:
            raise RuntimeError(
                f"expected dtype {input._dtype!r} for `{name}` but got dtype {each._dtype!r}"
            )
    if number and input._dtype.category < dtypes.FLOATING:
        raise not_implemented_for("lerp", input._dtype)
    if number:
        reduced = input._dtype in dtypes.REDUCED_PRECISION
        number_of_type(weight, dtypes.float32 if reduced else input._dtype)


@composite
def lerp(
    input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """Linear interpolation, ``input + weight * (end - input)``, element-wise.

    Above a weight of 1/2 it is computed from the other end, so that weight 1 gives ``end`` exactly.

    Args:
        input, end: floating or complex tensors of one type; other types raise RuntimeError.
        weight: a tensor of that type, one without dimensions, or a number.
    """
    _check_lerp(input, end, weight)
    return _lerp(input, end, weight, out=out)


@composite
def lerp_(self: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """:func:`lerp` in place."""
    _check_lerp(self, end, weight)
    return call_inplace(_lerp.op, self, end, weight)


@pointwise(refuses="bool", reduced_precision=False, checked_numbers=True)
def addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``input + value * tensor1 * tensor2``, element-wise."""


@pointwise(
    reduced_precision=False,
    checked_numbers=True,
    refusals={"bool": _NO_INTEGER_ADDCDIV, "integer": _NO_INTEGER_ADDCDIV},
    refusals_of="rest",  # No quotient of whole numbers, whatever it is added to.
)
def addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``input + value * tensor1 / tensor2``, element-wise; integer tensors raise RuntimeError."""


# ------------ signs and neighbours


@pointwise("float", refuses="complex")
def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The magnitude of ``input`` with the sign of ``other``, element-wise; zeros have signs."""


@pointwise(refuses="bool integer complex")
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next floating number after ``input`` in the direction of ``other``, element-wise."""


@pointwise("bool", refuses="complex", inplace=False)
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether the sign bit is set, element-wise; it is for ``-0.0``."""


@pointwise(refuses="complex")
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1 by the sign of each element, 0 for NaN; see :func:`sgn` for complex numbers."""


@pointwise()
def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """:func:`sign`, and for complex numbers ``input / |input|``, 0 where that is 0."""


@pointwise("float_real", inplace=False)
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The argument of each complex number, in radians; pi for negative real numbers, else 0."""


_heaviside = pointwise()("heaviside(input: Tensor, values: Tensor, out)")


@composite(inplace=True)
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The step function: 0 below zero, 1 above, ``values`` at zero, element-wise.

    Raises:
        RuntimeError: for complex tensors, and for tensors of two types.
    """
    check_tensors("heaviside", input=input, values=values)
    if input._dtype.is_complex or values._dtype.is_complex:
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if input._dtype is not values._dtype:
        raise RuntimeError(
            f"heaviside is not yet implemented for tensors with different dtypes, got "
            f"{input._dtype!r} and {values._dtype!r}."
        )
    return _heaviside(input, values, out=out)


# ------------ complex conjugates


@pointwise()
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate in new memory; of real numbers, a copy."""


@composite
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor as it is."""
    return conj_physical(input) if input._dtype.is_complex else input


# ------------ derivatives


# ``input`` where the bool tensor ``mask`` is true, 0 elsewhere: what sub-gradients need.
keep_where = arrays(reduced_precision=True)("keep_where(input: Tensor, mask: Tensor)")


_by_factor = pointwise()("scaled(input: Tensor, factor: complex, divides: bool)")


def scaled(input: Tensor, factor: Number, divides: bool = False) -> Tensor:
    """As ``input * factor`` or ``input / factor``, for another op's settings.

    As in PyTorch a second backward pass over a product of the user's own is refused without
    ``retain_graph``, but not one over ``add(a, b, alpha=2)``.
    """
    least = dtypes.COMPLEX if isinstance(factor, complex) else dtypes.FLOATING
    if input._dtype.category < least:
        return input / factor if divides else mul(input, factor)
    return _by_factor(input, factor, divides)


# ------------ whole numbers


@pointwise(refuses="bool floating complex")
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor of integers, element-wise; not negative, ``gcd(0, 0)`` is 0."""


@pointwise(refuses="bool floating complex")
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple of integers, element-wise; not negative."""


__all__ = [
    "abs", "absolute", "add", "addcdiv", "addcmul", "angle", "conj", "conj_physical", "copysign",
    "div", "divide", "float_power", "floor_divide", "fmod", "frexp", "gcd", "heaviside", "hypot",
    "lcm", "ldexp", "lerp", "mul", "multiply", "neg", "negative", "nextafter", "positive", "pow",
    "reciprocal", "remainder", "rsqrt", "rsub", "sgn", "sign", "signbit", "sqrt", "square", "sub",
    "subtract", "true_divide",
]  # fmt: skip
