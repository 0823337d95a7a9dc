"""Exponentials, logarithms, trigonometric and hyperbolic functions, all element-wise.

Integers and bools become the default floating type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.arithmetic import alias

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Number


@pointwise("float")
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``e ** input``."""


@pointwise("float")
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``2 ** input``."""


@pointwise("float")
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``e ** input - 1``, exact near 0."""


@pointwise("float")
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm."""


@pointwise("float")
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2."""


@pointwise("float")
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10."""


@pointwise("float")
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(1 + input)``, exact near 0."""


@pointwise("float")
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sine of radians."""


@pointwise("float")
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The cosine of radians."""


@pointwise("float")
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The tangent of radians."""


@pointwise("float")
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse sine, between -pi/2 and pi/2; NaN outside -1 to 1."""


@pointwise("float")
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse cosine, between 0 and pi; NaN outside -1 to 1."""


@pointwise("float")
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse tangent, between -pi/2 and pi/2."""


@pointwise("float")
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic sine."""


@pointwise("float")
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic cosine."""


@pointwise("float")
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic tangent, ``(e^x - e^-x) / (e^x + e^-x)``."""


@pointwise("float")
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse hyperbolic sine."""


@pointwise("float")
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse hyperbolic cosine; NaN below 1."""


@pointwise("float")
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse hyperbolic tangent; NaN outside -1 to 1."""


@pointwise("float", reduced_precision=False, method=False, inplace=False)
def tanh_backward(grad_output: Tensor, output: Tensor) -> Tensor:
    """``grad_output * (1 - output^2)``: the gradient of :func:`tanh` by its output."""


@pointwise("float", refuses="complex")
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point ``(other, input)`` in the plane, between -pi and pi."""


@pointwise("float", reduced_precision=False)
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sin(pi x) / (pi x)``, and 1 at 0."""


@pointwise(refuses="bool integer", inplace=False, reduced_precision=False)
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(exp(input) + exp(other))`` without overflow."""


@pointwise(refuses="bool integer complex", inplace=False, reduced_precision=False)
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log2(2 ** input + 2 ** other)`` without overflow."""


@pointwise("float", refuses="complex", reduced_precision=False)
def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log(other)``, 0 where ``input`` is 0, and NaN where ``other`` is NaN."""


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
alias(asin, "arcsin")
alias(acos, "arccos")
alias(atan, "arctan")
alias(atan2, "arctan2")
alias(asinh, "arcsinh")
alias(acosh, "arccosh")
alias(atanh, "arctanh")

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logaddexp2",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
    "xlogy",
]
