"""Derivatives of the views that come in several parts: a part without gradient counts as zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd.formulas import derivative
from lamella_core.ops.joining import cat, stack

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _unbind(grads: tuple[Tensor | None, ...], input_shape: tuple[int, ...], dim: int) -> Tensor:
    some = next(grad for grad in grads if grad is not None)
    none = some.new_zeros((*input_shape[:dim], *input_shape[dim + 1 :]))
    return stack([none if grad is None else grad for grad in grads], dim)


def _split_with_sizes(
    grads: tuple[Tensor | None, ...],
    input_shape: tuple[int, ...],
    split_sizes: tuple[int, ...],
    dim: int,
) -> Tensor:
    some = next(grad for grad in grads if grad is not None)
    parts = [
        some.new_zeros((*input_shape[:dim], size, *input_shape[dim + 1 :]))
        if grad is None
        else grad
        for grad, size in zip(grads, split_sizes, strict=True)
    ]
    return cat(parts, dim)


derivative("unbind", input=_unbind)
derivative("split_with_sizes", input=_split_with_sizes)
