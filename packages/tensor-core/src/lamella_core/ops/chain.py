"""Products of several matrices, in the order of fewest multiplications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.results import offering, write_out
from lamella_core.ops.linalg import matmul
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor

__all__ = ["chain_matmul"]


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Product of two or more matrices in the order of fewest multiplications.

    The order is found by dynamic programming (T. H. Cormen et al., "Introduction to Algorithms",
    section 15.2). A single matrix is returned as it is.

    Raises:
        RuntimeError: when an operand is not a matrix, or sizes do not fit.
    """
    warn_once("chain_matmul is deprecated: use linalg.multi_dot, which takes a list")
    for i, each in enumerate(matrices):
        if each._array.ndim != 2:
            raise RuntimeError(
                f"Tensor dimension is {each._array.ndim}, expected 2 (chain_matmul: operand {i})"
            )
    if len(matrices) == 1:
        return write_out("chain_matmul", matrices[0], out)
    return write_out("chain_matmul", _chain(list(matrices), out), out)


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """:func:`chain_matmul` whose first and last operand may be vectors: ``linalg.multi_dot``.

    Raises:
        RuntimeError: with fewer than two operands, or when sizes do not fit.
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    matrices = list(tensors)
    row, column = matrices[0]._array.ndim == 1, matrices[-1]._array.ndim == 1
    if row:
        matrices[0] = matrices[0].unsqueeze(0)
    if column:
        matrices[-1] = matrices[-1].unsqueeze(1)
    for i, each in enumerate(matrices):
        if each._array.ndim != 2:
            raise RuntimeError(
                f"multi_dot(): tensor {i} must be "
                f"{'1D or 2D' if i in (0, len(matrices) - 1) else '2D'} but got "
                f"{tensors[i]._array.ndim}D"
            )
    result = _chain(matrices, out)
    if row:
        result = result.squeeze(0)
    if column:
        result = result.squeeze(-1)
    return write_out("multi_dot", result, out)


def _chain(matrices: list[Tensor], out: Tensor | None) -> Tensor:
    for left, right in zip(matrices, matrices[1:], strict=False):
        if left._array.shape[1] != right._array.shape[0]:
            (m, n), (k, p) = left._array.shape, right._array.shape
            raise RuntimeError(
                f"multi_dot(): tensors cannot be multiplied: {m}x{n} and {k}x{p} are neighbours"
            )
    sizes = [m._array.shape[0] for m in matrices] + [matrices[-1]._array.shape[1]]
    count = len(matrices)
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int, multiply: Any = matmul) -> Tensor:
        if i == j:
            return matrices[i]
        k = split[i][j]
        return multiply(product(i, k), product(k + 1, j))  # type: ignore[no-any-return]

    return product(0, count - 1, offering(out, matmul))
