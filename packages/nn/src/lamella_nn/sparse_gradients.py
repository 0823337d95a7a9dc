"""Gradients of look-up tables as sparse tensors: only the rows that were looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella_core import Tensor


def check_available(op_name: str) -> None:
    """Raises unless sparse gradients can be made.

    Raises:
        ModuleNotFoundError: without lamella-sparse, naming the extra that brings it.
    """
    try:
        import lamella_sparse  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "lamella_sparse":
            raise
        raise ModuleNotFoundError(
            f"{op_name}: sparse gradients need lamella-sparse; install lamella-nn[sparse], or use "
            "sparse=False, whose gradient is a dense tensor of the weight's shape",
            name=error.name,
        ) from None


def sparse_rows(
    grad: Tensor, indices: Tensor, rows: int, padding_idx: int, scale_grad_by_freq: bool
) -> Tensor:
    """The gradient of a table ``(rows, features)``: a row for each index, not added up.

    Args:
        grad: ``(n, features)``.
        indices: n indices, of any shape.
        padding_idx: the index whose rows are left out; -1 for none.
        scale_grad_by_freq: False.

    Raises:
        RuntimeError: rows are to be divided by their frequencies.
    """
    if scale_grad_by_freq:
        raise RuntimeError(
            "embedding: scale_grad_by_freq is not supported with sparse gradients; use sparse=False"
        )
    from lamella_sparse.conversion import coo_tensor

    indices = indices.reshape(-1).long()
    if padding_idx >= 0:
        kept = (indices != padding_idx).nonzero()[:, 0]
        indices, grad = indices[kept], grad[kept]
    return coo_tensor(grad, indices.unsqueeze(0), (rows, grad.shape[1]), False)
