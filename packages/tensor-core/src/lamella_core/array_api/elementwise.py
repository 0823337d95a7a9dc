"""Element-wise functions of the standard; those of two arrays promote them first."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import lamella_core as core
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
    round,
    signbit,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)  # fmt: skip
from lamella_core.array_api.data_types import common

if TYPE_CHECKING:
    from collections.abc import Callable

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


def _of_two(function: Callable[..., Tensor]) -> Callable[[Any, Any], Tensor]:
    @wraps(function)
    def apply(x1: Any, x2: Any, /) -> Tensor:
        return function(*common(x1, x2))

    return apply


add, subtract, multiply = map(_of_two, (core.add, core.subtract, core.multiply))
divide, floor_divide, remainder = map(_of_two, (core.divide, core.floor_divide, core.remainder))
pow, atan2, hypot = map(_of_two, (core.pow, core.atan2, core.hypot))
copysign, nextafter, logaddexp = map(_of_two, (core.copysign, core.nextafter, core.logaddexp))
maximum, minimum = map(_of_two, (core.maximum, core.minimum))
equal, not_equal = map(_of_two, (core.eq, core.ne))
less, less_equal, greater, greater_equal = map(_of_two, (core.lt, core.le, core.gt, core.ge))
logical_and, logical_or = map(_of_two, (core.logical_and, core.logical_or))
logical_xor, bitwise_xor = map(_of_two, (core.logical_xor, core.bitwise_xor))
bitwise_and, bitwise_or = map(_of_two, (core.bitwise_and, core.bitwise_or))
bitwise_left_shift = _of_two(core.bitwise_left_shift)
bitwise_right_shift = _of_two(core.bitwise_right_shift)
bitwise_invert, conj = core.bitwise_not, core.conj


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1 (complex: of size 1, or 0); NaN stays, which PyTorch's makes 0."""
    return core.where(core.isnan(x), x, core.sgn(x))


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """``x`` no less than ``min`` and no greater than ``max``, in the type of ``x``."""
    low, high = (v.to(x.dtype) if isinstance(v, core.Tensor) else v for v in (min, max))
    if low is None and high is None:
        return x.clone()
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)
