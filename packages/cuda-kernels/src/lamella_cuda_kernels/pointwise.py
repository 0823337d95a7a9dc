"""Functions of floating numbers, element by element, where operands are alike and in order.

CuPy reads an element at a time; here a thread takes 16 bytes. Whatever else there is to do, such as
broadcasting, other types and strided operands, is left to CuPy.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import (
    TYPES,
    each_vector,
    put_over,
    reduced_precision,
    takes,
    vector_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_UNARY = {
    "negative": "-x",
    "absolute": "fabs(x)",
    "exp": "exp(x)",
    "log": "log(x)",
    "sqrt": "sqrt(x)",
    "sin": "sin(x)",
    "cos": "cos(x)",
    "tanh": "tanh(x)",
}
# NaN goes through, and of equal numbers the first is taken, as in NumPy.
_BINARY = {
    "add": "x + y",
    "subtract": "x - y",
    "multiply": "x * y",
    "true_divide": "x / y",
    "maximum": "x >= y || x != x ? x : y",
    "minimum": "x <= y || x != x ? x : y",
}
# What a number is rounded to together with an array: half precision is the caller's to widen.
_WIDE = "fd"
_NUMBERS = (float, int)


@cache
def source_of(formula: str, arrays: str, number: str = "") -> str:
    """The kernel of a formula of ``x``, and ``y``."""
    return vector_source("pointwise", formula, arrays.split(), number.split())


def _target(out: Any, like: Any, *operands: Any) -> Any:
    """Where a result may be written as the operands are read, None if nowhere."""
    if out is None:
        return cupy.empty(like.shape, like.dtype)
    if out.dtype != like.dtype or out.shape != like.shape or not out.flags.c_contiguous:
        return None
    start, size = out.data.ptr, out.nbytes
    for each in operands:
        if 0 < abs(each.data.ptr - start) < size:
            return None
    return out


class _Function:
    """A function of CuPy whose plain calls run here."""

    def __init__(self, below: Any, formula: str) -> None:
        self._below = below
        self._formula = formula

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


class Unary(_Function):
    """One of one operand."""

    def __call__(self, x: Any, out: Any = None, **more: Any) -> Any:
        if (
            not more
            and x.__class__ is cupy.ndarray
            and x.dtype.char in TYPES
            and x.flags.c_contiguous
        ):
            to = _target(out, x, x)
            if to is not None:
                each_vector(source_of(self._formula, "x"), "pointwise", x.dtype, x.size, x, to)
                return to
        return self._below(x, out=out, **more)


class Binary(_Function):
    """One of two operands, of which one may be a number."""

    def __call__(self, x: Any, y: Any, out: Any = None, **more: Any) -> Any:
        array = x if x.__class__ is cupy.ndarray else y
        if (
            more
            or array.__class__ is not cupy.ndarray
            or array.dtype.char not in TYPES
            or not array.flags.c_contiguous
        ):
            return self._below(x, y, out=out, **more)
        dtype = array.dtype
        if x.__class__ is y.__class__:
            if y.dtype == dtype and y.shape == x.shape and y.flags.c_contiguous:
                to = _target(out, x, x, y)
                if to is not None:
                    source = source_of(self._formula, "x y")
                    each_vector(source, "pointwise", dtype, x.size, x, y, to)
                    return to
        elif dtype.char in _WIDE:
            first = array is x
            number = y if first else x
            if number.__class__ in _NUMBERS:
                to = _target(out, array, array)
                if to is not None:
                    source = source_of(self._formula, *(("x", "y") if first else ("y", "x")))
                    each_vector(source, "pointwise", dtype, to.size, array, to, float(number))
                    return to
        return self._below(x, y, out=out, **more)


@cache
def _sum_source(single: bool) -> str:
    arrays = ["x", "y"] if single else ["x", "y", "z"]
    singles = ["z"] if single else []
    return vector_source("addcmul", "x + value * (y * z)", arrays, ["value"], "", singles)


def addcmul(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, tensor1: Any, tensor2: Any, value: Any, out: Any = None) -> Any:
        single = tensor2.ndim == 0
        same = (input, tensor1) if single else (input, tensor1, tensor2)
        if (
            takes(input, tensor1, tensor2)
            and all(each.shape == input.shape and each.flags.c_contiguous for each in same)
            and not isinstance(value, complex)
        ):
            to = _target(out, input, *same)
            if to is not None:
                each_vector(
                    _sum_source(single), "addcmul", input.dtype, input.size,
                    input, tensor1, tensor2, to, float(value),
                )  # fmt: skip
                return to
        result = below(input, tensor1, tensor2, value)
        if out is None:
            return result
        out[...] = result
        return out

    return kernel


def register(xp: Any) -> None:
    """Puts the functions over the namespace's, and the kernel over the shared one."""
    put_over("addcmul", addcmul)
    for forms, kind in ((_UNARY, Unary), (_BINARY, Binary)):
        for name, formula in forms.items():
            setattr(xp, name, kind(getattr(xp, name), formula))
