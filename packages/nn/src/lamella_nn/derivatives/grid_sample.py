"""Derivatives of reading images at the places of a grid, the first and the second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative, node_name
from lamella_core import zeros_like
from lamella_nn.ops.grid_sample import grid_sampler_backward, grid_sampler_second

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


def _backward(
    grads: Any,
    grad_output: Tensor,
    input: Tensor,
    grid: Tensor,
    mode: str,
    padding_mode: str,
    align_corners: bool,
    needs_input: bool,
    needs_grid: bool,
    needs: tuple[bool, bool, bool],
) -> tuple[Tensor | None, ...]:
    first, second = grads
    found = grid_sampler_second(
        first if needs_input and first is not None else zeros_like(input),
        second if needs_grid and second is not None else zeros_like(grid),
        grad_output, input, grid, mode, padding_mode, align_corners,
    )  # fmt: skip
    return tuple(each if need else None for each, need in zip(found, needs, strict=True))


derivative("grid_sampler_backward", joint=("grad_output", "input", "grid"), compute=_backward)

# Once the grid is freed its rank is not known; images are the most common.
node_name(
    "grid_sampler", lambda node: f"GridSampler{getattr(node._kept_grid, 'ndim', 4) - 2}DBackward0"
)
