"""Rounding to whole numbers, and replacing what is no finite number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.alike import alike
from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.arithmetic import alias

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _of_one(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A function of one tensor."""


ceil, floor, trunc = alike(
    _of_one,
    pointwise(refuses="bool complex"),
    {
        "ceil": "The least whole number not below each element; integers stay as they are.",
        "floor": "The greatest whole number not above each element; integers stay as they are.",
        "trunc": "Each element without its fraction; integers stay as they are.",
    },
)


@pointwise(refuses="bool complex", reduced_precision=False)
def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest whole number, element-wise, the even one of two that are as near.

    Args:
        decimals: how many places after the point are kept, before it where negative; only for
            floating numbers.
    """


@pointwise(refuses="bool integer complex", reduced_precision=False)
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The fraction of each element, ``input - trunc(input)``, with the sign of ``input``."""


@pointwise(reduced_precision=True)
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Replaces NaN by ``nan`` (0), infinities by ``posinf`` and ``neginf``.

    By default these are the type's greatest and least numbers. Of complex numbers each part is
    replaced by itself.
    """


deg2rad, rad2deg = alike(
    _of_one,
    pointwise(
        "float",
        reduced_precision=False,
        refusals={"complex": "{} is not supported for complex tensors."},
    ),
    {
        "deg2rad": "Degrees to radians, ``input * pi / 180``, element-wise.",
        "rad2deg": "Radians to degrees, ``input * 180 / pi``, element-wise.",
    },
)

fix = trunc
alias(trunc, "fix")

__all__ = ["ceil", "deg2rad", "fix", "floor", "frac", "nan_to_num", "rad2deg", "round", "trunc"]
