"""Array kernels of the arithmetic functions."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import namespace_kernels, shared_kernel
from lamella_core.kernels.operators import check_divisor, is_integer
from lamella_core.offers import offered, offers

namespace_kernels(
    "sqrt", "hypot", "copysign", "nextafter", "signbit", "gcd", "lcm",
)  # fmt: skip


@shared_kernel
def div_trunc(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    if is_integer(input, other):
        check_divisor(xp, input, other)
        return xp.floor_divide(input - xp.fmod(input, other), other, out)
    return xp.trunc(xp.true_divide(input, other), out)


@shared_kernel
def fmod(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    check_divisor(xp, input, other)
    return xp.fmod(input, other, out)


@shared_kernel
def rsqrt(xp: Any, input: Any, out: Any = None) -> Any:
    root = xp.sqrt(input, out)
    return xp.divide(1, root, out if root.ndim == 0 else root)


@shared_kernel
def ldexp(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    return xp.ldexp(input, xp.clip(other, -5000, 5000).astype("int32"), out)


@shared_kernel
def times_power(xp: Any, input: Any, other: Any, out: Any = None) -> Any:
    return xp.multiply(input, xp.power(2.0, other), out)


@shared_kernel
def frexp(xp: Any, input: Any) -> Any:
    places = [offered(input.shape, each) if offers else None for each in (input.dtype, "int32")]
    mantissa, exponent = xp.frexp(input, *places)
    return mantissa, exponent.astype("int32", copy=False)


@shared_kernel
def lerp(xp: Any, input: Any, end: Any, weight: Any, out: Any = None) -> Any:
    difference = xp.subtract(end, input)
    if isinstance(weight, (int, float, complex)):
        if abs(weight) < 0.5:
            return xp.add(input, _scale(xp, difference, weight), out)
        return xp.subtract(end, _scale(xp, difference, 1 - weight), out)
    near = xp.abs(weight) < 0.5
    start = xp.where(near, input, end)
    step = xp.where(near, weight, weight - 1)
    return xp.add(start, difference * step, out)


def _scale(xp: Any, own: Any, factor: Any) -> Any:
    # ``own * factor`` in the memory of ``own``, which must be the caller's own array.
    if factor.__class__ is int and factor == 1:
        return own
    return xp.multiply(own, factor, own if own.ndim else None)


@shared_kernel
def addcmul(xp: Any, input: Any, tensor1: Any, tensor2: Any, value: Any, out: Any = None) -> Any:
    return xp.add(input, _scale(xp, xp.multiply(tensor1, tensor2), _whole(value, input)), out)


@shared_kernel
def scaled(xp: Any, input: Any, factor: complex, divides: bool) -> Any:
    return xp.true_divide(input, factor) if divides else xp.multiply(input, factor)


@shared_kernel
def addcdiv(xp: Any, input: Any, tensor1: Any, tensor2: Any, value: Any, out: Any = None) -> Any:
    return xp.add(input, _scale(xp, xp.true_divide(tensor1, tensor2), value), out)


def _whole(value: Any, like: Any) -> Any:
    # A factor of an integer array, cut to an integer.
    return int(value) if like.dtype.kind in "iu" else value


@shared_kernel
def sign(xp: Any, input: Any) -> Any:
    if input.dtype.kind == "b":
        return input.copy()
    return (input > 0).astype(input.dtype) - (input < 0)


@shared_kernel
def sgn(xp: Any, input: Any) -> Any:
    if input.dtype.kind != "c":
        return sign(xp, input)
    size = xp.abs(input)
    return xp.where(size == 0, 0, input / xp.where(size == 0, 1, size))


@shared_kernel
def conj_physical(xp: Any, input: Any, out: Any = None) -> Any:
    if input.dtype.kind == "c":
        return xp.conjugate(input, out=out)
    if out is None:
        return input.copy()
    out[...] = input
    return out


@shared_kernel
def angle(xp: Any, input: Any) -> Any:
    if input.dtype.kind == "c":
        return xp.arctan2(input.imag, input.real)
    return xp.where(xp.isnan(input), input, xp.where(input < 0, xp.pi, 0)).astype(input.dtype)


@shared_kernel
def heaviside(xp: Any, input: Any, values: Any) -> Any:
    return xp.where(input == 0, values, input > 0).astype(values.dtype)


# Up to this many elements one call that branches is faster than two that don't.
_SMALL = 256

_BITS = {1: "i1", 2: "i2", 4: "i4", 8: "i8"}


@shared_kernel
def keep_where(xp: Any, input: Any, mask: Any) -> Any:
    # ``where(mask, input, 0)``.
    #
    # The bits are multiplied by the flag: a branch on each element's flag is guessed wrong half the
    # time and then takes ten times as long.
    bits = _BITS.get(input.itemsize)
    if input.size <= _SMALL or bits is None:
        return xp.where(mask, input, input.dtype.type(0))
    return xp.multiply(input.view(bits), mask.view("i1")).view(input.dtype)


def drop_where(xp: Any, input: Any, mask: Any) -> Any:
    # ``where(mask, 0, input)``.
    return keep_where(xp, input, xp.logical_not(mask))
