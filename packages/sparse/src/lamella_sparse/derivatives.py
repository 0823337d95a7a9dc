"""Derivatives of the ops on sparse tensors, and of LOBPCG.

The gradient of a sparse tensor is sparse: it has values where the tensor has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import derivative
from lamella_autograd.names import node_name
from lamella_core.ops.creation import eye
from lamella_core.ops.solving import solve
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


def _lobpcg(grads: Any, A: Tensor, results: Any, generalized: bool) -> Tensor | None:
    """``dx = (e I - A)^+ dA x``; adding ``x x^T`` makes the inverse an ordinary one."""
    of_values, of_vectors = grads
    values, vectors = results
    if generalized:
        raise ValueError("lobpcg: there is no gradient where B is given; it needs B=None")
    total = None if of_values is None else (vectors * of_values.unsqueeze(-2)) @ vectors.mT
    if of_vectors is not None:
        columns = vectors.mT.unsqueeze(-1)
        projections = columns @ columns.mT
        shifts = values.unsqueeze(-1).unsqueeze(-1) * eye(
            A.shape[-1], dtype=A.dtype, device=A.device
        )
        pulled = of_vectors.mT.unsqueeze(-1)
        system = shifts - A.unsqueeze(-3) + projections
        turned = solve(system, pulled - projections @ pulled).squeeze(-1).mT @ vectors.mT
        total = turned if total is None else total + turned
    return total


derivative("lobpcg", A=_lobpcg)
for _name, _pytorchs in {
    "coo_tensor": "SparseCooTensorWithDimsAndTensorsBackward0",
    "coo_values": "ValuesBackward0",
    "coo_coalesce": "CoalesceBackward0",
    "coo_to_dense": "ToDenseBackward0",
    "dense_to_coo": "ToSparseBackward1",
    "sparse_mm": "SparseAddmmBackward0",
}.items():
    node_name(_name, _pytorchs)
