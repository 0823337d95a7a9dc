"""Derivatives of the ops on sparse tensors.

The gradient of a sparse tensor is sparse: it has values where the tensor has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative
from lamella_sparse.conversion import coo_coalesce, coo_take, coo_tensor
from lamella_sparse.matrix import _mm

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _at_coordinates_of(input: Tensor, grad: Tensor) -> Tensor:
    coo: Any = coo_coalesce(input)._array
    return coo_tensor(coo_take(grad, coo.indices), coo.indices, coo.shape, coo.coalesced)


derivative("coo_tensor", values=lambda grad, indices: coo_take(grad, indices))
derivative(
    "coo_values",
    input=lambda grad, input: coo_tensor(
        grad, input._array.indices, input._array.shape, input._array.coalesced
    ),
)
derivative("coo_coalesce", input=lambda grad: grad)
derivative("coo_to_dense", input=lambda grad, input: _at_coordinates_of(input, grad))
derivative("dense_to_coo", input=lambda grad: grad.to_dense())
derivative(
    "coo_take",
    input=lambda grad, indices, input_shape: coo_tensor(
        grad, indices, tuple(input_shape), False
    ).to_dense(),
)
derivative(
    "sparse_mm",
    mat1=lambda grad, mat1, mat2: _factor(mat1, grad, mat2.transpose(0, 1).conj()),
    mat2=lambda grad, mat1, mat2: _factor(mat2, mat1.transpose(0, 1).conj(), grad),
)


def _factor(factor: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """``left @ right``, at the coordinates of a sparse factor."""
    product = _mm(left, right) if left.is_sparse or right.is_sparse else left @ right
    return _at_coordinates_of(factor, product) if factor.is_sparse else product
