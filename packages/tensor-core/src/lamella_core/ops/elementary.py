"""Exponentials, logarithms, trigonometric and hyperbolic functions, all element-wise.

Integers and bools become the default floating type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.alike import alike
from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.arithmetic import alias

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Number


def _of_one(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A function of one tensor."""


_functions = alike(
    _of_one,
    pointwise("float"),
    {
        "exp": "``e ** input``.",
        "exp2": "``2 ** input``.",
        "expm1": "``e ** input - 1``, exact near 0.",
        "log": "The natural logarithm.",
        "log2": "The logarithm to base 2.",
        "log10": "The logarithm to base 10.",
        "log1p": "``log(1 + input)``, exact near 0.",
        "sin": "The sine of radians.",
        "cos": "The cosine of radians.",
        "tan": "The tangent of radians.",
        "asin": "The inverse sine, between -pi/2 and pi/2; NaN outside -1 to 1.",
        "acos": "The inverse cosine, between 0 and pi; NaN outside -1 to 1.",
        "atan": "The inverse tangent, between -pi/2 and pi/2.",
        "sinh": "The hyperbolic sine.",
        "cosh": "The hyperbolic cosine.",
        "tanh": "The hyperbolic tangent, ``(e^x - e^-x) / (e^x + e^-x)``.",
        "asinh": "The inverse hyperbolic sine.",
        "acosh": "The inverse hyperbolic cosine; NaN below 1.",
        "atanh": "The inverse hyperbolic tangent; NaN outside -1 to 1.",
    },
)
(
    exp, exp2, expm1, log, log2, log10, log1p, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh,
    asinh, acosh, atanh,
) = _functions  # fmt: skip


# ``grad_output * (1 - output^2)``: the gradient of :func:`tanh` by its output.
tanh_backward = pointwise("float", reduced_precision=False)(
    "tanh_backward(grad_output: Tensor, output: Tensor)"
)


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
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "exp", "exp2", "expm1", "log",
    "log10", "log1p", "log2", "logaddexp", "logaddexp2", "sin", "sinc", "sinh", "tan", "tanh",
    "xlogy",
]  # fmt: skip
