"""Element-wise functions of the standard; those of two arrays promote them first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_array_api.adapting import of_two
from lamella_core import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    exp,
    expm1,
    floor,
    imag,
    isfinite,
    isinf,
    isnan,
    log,
    log1p,
    log2,
    log10,
    logical_not,
    negative,
    positive,
    real,
    reciprocal,
    signbit,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)  # fmt: skip

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "ceil", "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor",
    "floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan",
    "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative",
    "nextafter", "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round",
    "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc",
]  # fmt: skip

add, subtract, multiply = map(of_two, (core.add, core.subtract, core.multiply))
divide, floor_divide, remainder = map(of_two, (core.divide, core.floor_divide, core.remainder))
pow, atan2, hypot = map(of_two, (core.pow, core.atan2, core.hypot))
copysign, nextafter, logaddexp = map(of_two, (core.copysign, core.nextafter, core.logaddexp))
maximum, minimum = map(of_two, (core.maximum, core.minimum))
equal, not_equal = map(of_two, (core.eq, core.ne))
less, less_equal, greater, greater_equal = map(of_two, (core.lt, core.le, core.gt, core.ge))
logical_and, logical_or = map(of_two, (core.logical_and, core.logical_or))
logical_xor, bitwise_xor = map(of_two, (core.logical_xor, core.bitwise_xor))
bitwise_and, bitwise_or = map(of_two, (core.bitwise_and, core.bitwise_or))
bitwise_left_shift = of_two(core.bitwise_left_shift)
bitwise_right_shift = of_two(core.bitwise_right_shift)
bitwise_invert, conj = core.bitwise_not, core.conj


def round(x: Tensor, /) -> Tensor:
    """The nearest integers, of two the even one; complex numbers by their parts."""
    if x.is_complex():
        return core.complex(core.round(x.real), core.round(x.imag))
    return core.round(x)


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1 (complex: of size 1, or 0); NaN stays, which PyTorch's makes 0."""
    return core.where(core.isnan(x), x, core.sgn(x))


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """``x`` no less than ``min`` and no greater than ``max``, in the type of ``x``."""
    for bound, limit in ((maximum, min), (minimum, max)):
        if limit is not None:
            x = bound(x, limit.to(x.dtype) if isinstance(limit, core.Tensor) else limit)
    return x
