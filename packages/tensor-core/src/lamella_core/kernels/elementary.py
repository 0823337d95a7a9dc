"""Array kernels of the elementary functions."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import namespace_kernels, shared_kernel

namespace_kernels(
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "logaddexp2", asin="arcsin", acos="arccos", atan="arctan", atan2="arctan2",
    asinh="arcsinh", acosh="arccosh", atanh="arctanh",
)  # fmt: skip


@shared_kernel
def tanh_backward(xp: Any, grad: Any, result: Any) -> Any:
    if result.dtype.kind == "c":
        result = xp.conjugate(result)
    # grad - grad * result^2: no number among the operands, which would cost NumPy a conversion.
    return grad - result * result * grad


@shared_kernel
def sinc(xp: Any, input: Any) -> Any:
    angle = xp.multiply(input, xp.pi)
    zero = angle == 0
    return xp.where(zero, 1, xp.sin(angle) / xp.where(zero, 1, angle))


@shared_kernel
def logaddexp(xp: Any, input: Any, other: Any) -> Any:
    if input.dtype.kind != "c":
        return xp.logaddexp(input, other)
    greater = input.real >= other.real
    high = xp.where(greater, input, other)
    low = xp.where(greater, other, input)
    same_infinity = (input == other) & xp.isinf(input.real)
    result = high + xp.log1p(xp.exp(xp.where(same_infinity, 0, low - high)))
    return xp.where(same_infinity, input, result)


@shared_kernel
def xlogy(xp: Any, input: Any, other: Any) -> Any:
    if not hasattr(other, "dtype"):
        other = input.dtype.type(other)
    product = input * xp.log(other)
    return xp.where((input == 0) & ~xp.isnan(other), xp.zeros_like(product), product)
