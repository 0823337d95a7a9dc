"""Array kernels of the arithmetic operators."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import namespace_kernels, shared_kernel

namespace_kernels(
    add="add",
    sub="subtract",
    mul="multiply",
    div="true_divide",
    neg="negative",
    abs="absolute",
    reciprocal="reciprocal",
)


@shared_kernel
def rsub(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    return xp.subtract(other, input, out)


def is_integer(*operands: Any) -> bool:
    # Whether all operands, arrays and Python numbers, are integers.
    return all(
        isinstance(each, int) if getattr(each, "dtype", None) is None else each.dtype.kind in "iu"
        for each in operands
    )


def check_divisor(xp: Any, *operands: Any) -> None:
    # Integers cannot be divided by zero; the divisor is the last operand.
    #
    # Raises:
    #     RuntimeError: with PyTorch's text.
    if is_integer(*operands) and all(getattr(each, "size", 1) for each in operands):
        divisor = operands[-1]
        if (divisor == 0) if isinstance(divisor, int) else (divisor == 0).any():
            raise RuntimeError("ZeroDivisionError")


@shared_kernel("div_floor")
@shared_kernel
def floor_divide(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    check_divisor(xp, input, other)
    return xp.floor_divide(input, other, out)


@shared_kernel
def remainder(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    check_divisor(xp, input, other)
    return xp.remainder(input, other, out)


@shared_kernel
def pow(xp: Any, input: Any, exponent: Any, out: Any = None) -> Any:
    if exponent.__class__ in (int, float, bool):
        if exponent == 2:
            return xp.square(input, out)
        if exponent == 1:
            return xp.positive(input, out)
        if exponent < 0 and input.dtype.kind in "iu":
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if input.dtype.kind == "f":
            if exponent == 0.5:
                return xp.sqrt(input, out)
            if exponent == 3:
                return xp.multiply(xp.square(input), input, out)
            if exponent == -1:
                return xp.reciprocal(input, out)
            if exponent in (-0.5, -2):
                return xp.reciprocal(pow(xp, input, -exponent), out)
    elif is_integer(input, exponent) and (exponent < 0).any():
        return _integer_pow(xp, input, exponent, out)
    return xp.power(input, exponent, out)


def _integer_pow(xp: Any, input: Any, exponent: Any, out: Any) -> Any:
    # Integers to powers that may be negative: 1 and -1 have inverses, those of others round to 0.
    input = xp.asarray(input, dtype=exponent.dtype)
    below = exponent < 0
    result = xp.power(input, xp.where(below, exponent & 1, exponent))
    result = xp.where(below & (xp.abs(input) != 1), 0, result).astype(exponent.dtype, copy=False)
    if out is None:
        return result
    out[...] = result
    return out
