"""Derivatives of joining: the gradient is taken apart again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd.formulas import derivative
from lamella_core.ops.splitting import split_with_sizes, unbind

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _cat(grad: Tensor, tensors_shape: list[tuple[int, ...]], dim: int) -> list[Tensor]:
    # A one-dimensional tensor without elements may stand among tensors of more dimensions.
    passed_over = [shape == (0,) and grad.ndim != 1 for shape in tensors_shape]
    sizes = [
        0 if skip else shape[dim] for skip, shape in zip(passed_over, tensors_shape, strict=True)
    ]
    parts = split_with_sizes(grad, sizes, dim)
    return [
        grad.new_zeros(0) if skip else part for skip, part in zip(passed_over, parts, strict=True)
    ]


derivative("cat", tensors=_cat)
derivative("stack", tensors=lambda grad, dim: list(unbind(grad, dim)))
