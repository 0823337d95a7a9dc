"""The derivative of reading images at the places of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd import derivative
from lamella_nn.ops.grid_sample import grid_sampler_backward

if TYPE_CHECKING:
    from lamella_core import Tensor


def _grid_sampler(
    grad: Tensor,
    input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    needs: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    to_input, to_grid = grid_sampler_backward(
        grad, input, grid, mode, padding_mode, align_corners, *needs
    )
    return to_input if needs[0] else None, to_grid if needs[1] else None


derivative("grid_sampler", joint=("input", "grid"), compute=_grid_sampler)
