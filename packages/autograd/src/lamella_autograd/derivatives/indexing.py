"""Derivatives of indexing with tensors and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.formulas import derivative
from lamella_autograd.restore import is_unseen, sum_to_shape
from lamella_core import dtype as dtypes
from lamella_core.ops.indexing import _index_put, _write_at, index

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _index(grad: Tensor, input_shape: Any, indices: Any, dims: Any) -> Tensor:
    # A mask names no place twice, so there is nothing to add up.
    accumulate = any(each._dtype is not dtypes.bool_ for each in indices)
    put = _write_at if is_unseen() else _index_put
    return put(grad.new_zeros(input_shape), indices, dims, grad, accumulate)


def _index_put_input(grad: Tensor, indices: Any, dims: Any, accumulate: bool) -> Tensor:
    return grad if accumulate else _index_put(grad, indices, dims, grad.new_zeros(()), False)


derivative("index", input=_index)
derivative(
    "index_put",
    input=_index_put_input,
    values=lambda grad, indices, dims, values_shape: sum_to_shape(
        index(grad, indices, dims), values_shape
    ),
)
