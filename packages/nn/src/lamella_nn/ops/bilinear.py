"""Forms that are linear in each of three tensors; what is between two of them is not held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(reduced_precision=True, method=False)
def bilinear_form(left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
    """``out[r, o] = sum_{i, j} left[r, i] weight[o, i, j] right[r, j]``."""


@arrays(reduced_precision=True, method=False)
def bilinear_side(grad_output: Tensor, side: Tensor, weight: Tensor, of_left: bool) -> Tensor:
    """The gradient of a form to one of its sides, from the other one.

    ``out[r, i] = sum_{o, j} grad_output[r, o] weight[o, i, j] side[r, j]`` of the left one,
    ``out[r, j] = sum_{o, i} grad_output[r, o] weight[o, i, j] side[r, i]`` of the right one.
    """


@arrays(reduced_precision=True, method=False)
def bilinear_weight(grad_output: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """``out[o, i, j] = sum_r grad_output[r, o] left[r, i] right[r, j]``."""
