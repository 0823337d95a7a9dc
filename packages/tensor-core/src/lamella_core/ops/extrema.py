"""The greater and the lesser of two, and clamping between bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.alike import alike
from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.arithmetic import alias

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor
    from lamella_core.typing import Number


def _of_two(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """One of two elements."""


maximum, minimum, fmax, fmin = alike(
    _of_two,
    pointwise(inplace=False, refusals={"complex": "{} not implemented for complex tensors."}),
    {
        "maximum": "The greater of two elements; NaN where either is NaN.",
        "minimum": "The lesser of two elements; NaN where either is NaN.",
        "fmax": "The greater of two elements; where one is NaN, the other.",
        "fmin": "The lesser of two elements; where one is NaN, the other.",
    },
)


@pointwise(refuses="bool complex", checked_numbers=True, same_out=True)
def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """``minimum(maximum(input, min), max)``: each element held between two bounds.

    Args:
        min, max: numbers or tensors that broadcast with ``input``; one of them may be None.

    NaN stays NaN. Where ``min`` is greater than ``max`` the result is ``max``. With no bound at
    all RuntimeError is raised.
    """


@pointwise(refuses="complex", checked_numbers=True, same_out=True)
def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``maximum(input, min)``, ``min`` being a tensor or a number."""


@pointwise(refuses="complex", checked_numbers=True, same_out=True)
def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``minimum(input, max)``, ``max`` being a tensor or a number."""


clip = clamp
alias(clamp, "clip")

__all__ = ["clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "maximum", "minimum"]
