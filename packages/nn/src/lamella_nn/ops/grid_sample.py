"""Images read at the places that a grid names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.arrays import arrays

if TYPE_CHECKING:
    from lamella_core import Tensor


@arrays(refuses="bool integer complex", method=False)
def grid_sampler(
    input: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool
) -> Tensor:
    """``(batch, channels, *sizes)`` at ``(batch, *out, dimensions)``; see ``grid_sample``."""


@arrays(method=False)
def grid_sampler_backward(
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    needs_input: bool,
    needs_grid: bool,
) -> tuple[Tensor, Tensor]:
    """The gradients of ``grid_sampler`` to its input and grid; empty where not needed."""


@arrays(method=False)
def grid_sampler_second(
    grad_input: Tensor,
    grad_grid: Tensor,
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of ``grid_sampler_backward`` to its output's gradient, input and grid.

    ``grad_input`` and ``grad_grid`` are the gradients of its results.
    """
