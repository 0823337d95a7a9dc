"""What the kernels of recurrent layers share: the order of steps, and the products of all steps.

Inside of the kernels a state is transposed, ``(hidden, batch)``: each gate of a step is then one
block of memory, and the product with the weight is the faster way round for BLAS.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

Steps = list[tuple[int, int]]

# Below it, one product for all steps is quicker than one for each.
_FEW_ROWS = 8


def steps_of(batch_sizes: tuple[int, ...], reverse: bool) -> Steps:
    """The first row and the end of each step, in the order in which the steps follow."""
    ends = accumulate(batch_sizes)
    steps = [(end - size, end) for end, size in zip(ends, batch_sizes, strict=True)]
    return steps[::-1] if reverse else steps


def block_of(reserve: Any, height: int, start: int, end: int) -> Any:
    """A step's part of a flat array that holds ``height`` numbers for each row."""
    return reserve[height * start : height * end].reshape(height, end - start)


def input_products(
    xp: Any, input: Any, weight: Any, reserve: Any, height: int, batch_sizes: tuple[int, ...]
) -> None:
    """Writes ``weight @ input.T`` of each step into the first rows of its block of the reserve."""
    count, batch = len(batch_sizes), batch_sizes[0]
    rows = weight.shape[0]
    if batch >= _FEW_ROWS and batch_sizes[-1] == batch:
        blocks = reserve.reshape(count, height, batch)[:, :rows]
        columns = input.reshape(count, batch, -1).transpose(0, 2, 1)
        xp.matmul(weight, columns, out=blocks)
        return
    products = input @ weight.T
    for start, end in steps_of(batch_sizes, False):
        block_of(reserve, height, start, end)[:rows] = products[start:end].T


def widened(xp: Any, bias: Any, batch: int) -> Any:
    """A bias for each column of a block, in memory: adding it is then one plain pass."""
    return xp.repeat(bias[:, None], batch, 1)


def transposed(xp: Any, state: Any) -> Any:
    """A copy ``(hidden, batch)`` of a state ``(batch, hidden)``, to write into."""
    return xp.array(state.T, order="C")


def transposed_gradient(xp: Any, grad: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Where the gradient of a state is summed up: that of the last one, or zeros."""
    if grad is None:
        return xp.zeros(shape[::-1], dtype)
    return transposed(xp, grad)


def states_before(
    xp: Any, output: Any, hx: Any, batch_sizes: tuple[int, ...], reverse: bool
) -> Any:
    """The state before each row's step, ``(rows, hidden)``."""
    before = xp.empty((output.shape[0], hx.shape[1]), output.dtype)
    last_start, last_size = 0, 0
    for start, end in steps_of(batch_sizes, reverse):
        size = min(end - start, last_size)
        before[start : start + size] = output[last_start : last_start + size]
        before[start + size : end] = hx[size : end - start]
        last_start, last_size = start, end - start
    return before
