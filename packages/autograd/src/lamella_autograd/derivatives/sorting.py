"""Derivatives of sorting and selecting."""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.reduction import at_index
from lamella_autograd.formulas import derivative, non_differentiable
from lamella_core.tensor import Tensor


def _selected_input(grads: Any, input_shape: tuple[int, ...], dim: int, results: Any) -> Tensor:
    return at_index(grads[0], input_shape, dim, results[1], True)


derivative("sort", input=_selected_input, keeps=(1,))
derivative("topk", input=_selected_input, keeps=(1,))
non_differentiable("isin", "searchsorted", "searchsorted_by")
