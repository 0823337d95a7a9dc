"""Rounding to whole numbers, and replacing what is no finite number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.arithmetic import alias

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


@pointwise(refuses="bool complex")
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least whole number not below each element; integers stay as they are."""


@pointwise(refuses="bool complex")
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest whole number not above each element; integers stay as they are."""


@pointwise(refuses="bool complex")
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element without its fraction; integers stay as they are."""


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


@pointwise("float", refusals={"complex": "deg2rad is not supported for complex tensors."})
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees to radians, ``input * pi / 180``, element-wise."""


@pointwise("float", refusals={"complex": "rad2deg is not supported for complex tensors."})
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians to degrees, ``input * 180 / pi``, element-wise."""


fix = trunc
alias(trunc, "fix")

__all__ = ["ceil", "deg2rad", "fix", "floor", "frac", "nan_to_num", "rad2deg", "round", "trunc"]
