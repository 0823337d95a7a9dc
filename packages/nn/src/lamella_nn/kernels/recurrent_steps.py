"""What the kernels of recurrent layers share: the order of steps, and the products with weights.

A batch is worked on in parts of some sequences, each through all of its steps: parts are
independent of each other, so that each can have a thread, and what a step works on stays in the
cache. Inside of a part a state is transposed, ``(hidden, width)``: each gate of a step is then one
block of memory, and the product with the weight is the faster way round for BLAS.
"""

from __future__ import annotations

from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lamella_core.backends.numpy_kernels import linalg
from lamella_core.parallel import one_blas_thread, rests, spread, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

Steps = list[tuple[int, int]]

# A part has about this many numbers in a state: fewer are done sooner than NumPy is called.
_STATE = 4096
# A product with fewer columns spends more of its time on reading the weight.
_COLUMNS = 16
# A larger weight does not stay in the cache from step to step, so that BLAS should read it once
# for the whole batch, with its own threads.
_LARGE_WEIGHT = 1 << 20
# OpenBLAS takes a product of at most so many multiplications as it is; for a larger one it copies
# the weight into its own order first, which takes as long as multiplying it with a few columns.
_SMALL_PRODUCT = 1_000_000
# Blocks of fewer rows are slower, where the rows are the columns of the weight in memory.
_FEWEST_ROWS = 16
# What is computed for several steps at once has this many numbers in a state.
_CHUNK, _CHUNK_OF_WHOLE, _CHUNK_ELSEWHERE = 14336, 65536, 1 << 20
# On the way back about as many gradients of the gates are held at a time, of so many rows at least:
# products with more of them are no faster.
_HELD, _ROWS = 1 << 19, 2048


class Run(NamedTuple):
    """Equally high steps of a round, in memory one after another.

    Attributes:
        row: their first row, whichever way they follow.
        number: the round's.
        before, known: the first row and the height of the step that they follow.
    """

    row: int
    height: int
    steps: int
    number: int
    before: int
    known: int


class Chunk:
    """Some steps of a part that have equally many rows, in the order in which they follow.

    Attributes:
        place: the rows of the part before the chunk.
        count: the steps.
        width: the part's rows in each step.
        number: that of its round.
    """

    __slots__ = ("_columns", "_order", "_row", "_size", "count", "number", "place", "width")

    def __init__(
        self, row: int, count: int, run: Run, columns: slice, place: int, reverse: bool
    ) -> None:
        self.count, self.width, self.place = count, columns.stop - columns.start, place
        self._row, self._size, self._columns, self.number = row, run.height, columns, run.number
        self._order = slice(None, None, -1 if reverse else None)

    def rows_of(self, array: Any, first: int = 0) -> Any:
        """The chunk's rows of an array over all rows from ``first`` on, ``(count, width, ...)``."""
        start = self._row - first
        if self.count == 1:
            start += self._columns.start
            return array[start : start + self.width][None]
        rows = array[start : start + self.count * self._size].reshape(self.count, self._size, -1)
        return rows[self._order, self._columns]

    def saved_in(self, reserve: Any, height: int) -> Any:
        """The chunk's ``height`` numbers for each row in its part's share of the reserve,
        ``(count, height, width)``."""
        start = height * self.place
        end = start + height * self.width * self.count
        return reserve[start:end].reshape(self.count, height, self.width)

    def room_in(self, xp: Any, reserve: Any, height: int) -> Any:
        """The same for each step, to be written; one place for all steps where nothing is kept."""
        if len(reserve):
            return self.saved_in(reserve, height)
        return [xp.empty((height, self.width), reserve.dtype)] * self.count


class Part:
    """Sequences ``first`` to ``end`` of the batch.

    Attributes:
        runs: those of the whole batch, in the order in which they follow.
        carried: on the way back, the gradients of the states between two rounds.
    """

    __slots__ = ("carried", "chunks", "place", "rows", "runs", "sequences")

    def __init__(
        self, first: int, end: int, place: int, size: int, runs: list[Run], reverse: bool, most: int
    ) -> None:
        self.sequences = slice(first, end)
        self.place, self.runs = place, runs
        self.chunks: list[Chunk] = []
        self.carried: list[Any] | None = None
        rows = 0
        for run in runs:
            if run.height <= first:
                continue
            columns = slice(first, min(end, run.height))
            width = columns.stop - first
            step = max(1, most // (size * width))
            for done in range(0, run.steps, step):
                steps = min(step, run.steps - done)
                before = run.steps - done - steps if reverse else done
                row = run.row + before * run.height
                self.chunks.append(Chunk(row, steps, run, columns, rows, reverse))
                rows += steps * width
        self.rows = rows

    def share_of(self, reserve: Any, height: int) -> Any:
        """The part's share of a flat array that holds ``height`` numbers for each row."""
        return reserve[height * self.place : height * (self.place + self.rows)]


def most_rows(weight: Any) -> int:
    """How many rows a round has, for a weight of the state; of wider batches it has one step, and
    not all of its sequences."""
    return max(_ROWS, _HELD // max(len(weight), 1))


def _runs_of(batch_sizes: tuple[int, ...], reverse: bool, most: int) -> list[Run]:
    """The runs of a batch, in the order in which they follow, in rounds of so many rows."""
    batch = batch_sizes[0]
    pieces = []
    row = number = room = 0
    for height, equal in groupby(batch_sizes):
        count = sum(1 for _ in equal) if height else 0
        while count:
            steps = min(count, room // height)
            if steps:
                pieces.append((row, height, steps, number))
                row, count, room = row + steps * height, count - steps, room - steps * height
            else:
                number, room = number + 1, most if batch <= most else height
    if reverse:
        pieces.reverse()
    runs = []
    before = known = 0
    for row, height, count, number in pieces:
        runs.append(Run(row, height, count, number, before, known))
        before, known = row if reverse else row + (count - 1) * height, height
    return runs


def parts_of(xp: Any, weight: Any, batch_sizes: tuple[int, ...], reverse: bool) -> list[Part]:
    """The parts of a batch, the same for each call with the same shapes.

    Args:
        weight: the weight of the state, ``(gates times size, hidden)``.
    """
    batch, size = batch_sizes[0], max(weight.shape[1], 1)
    count = 1
    if xp is np and rests() and weight.size <= _LARGE_WEIGHT and size * batch >= _STATE:
        # Two at least, for two threads.
        count = max(2, min(-(-size * batch // _STATE), -(-batch // _COLUMNS)))
    runs = _runs_of(batch_sizes, reverse, most_rows(weight))
    parts, place = [], 0
    most = _CHUNK_ELSEWHERE if xp is not np else _CHUNK if rests() else _CHUNK_OF_WHOLE
    for number in range(count):
        first, end = batch * number // count, batch * (number + 1) // count
        part = Part(first, end, place, size, runs, reverse, most)
        parts.append(part)
        place += part.rows
    return parts


def go_over(parts: list[Any], run: Callable[[Any], None]) -> None:
    """Calls ``run(part)`` for every part, on several threads where there are."""
    if len(parts) < 2 or thread_count() < 2:
        for part in parts:
            run(part)
        return
    with one_blas_thread():
        spread(run, parts)


def steps_of(batch_sizes: tuple[int, ...], reverse: bool) -> Steps:
    """The first row and the end of each step, in the order in which the steps follow."""
    ends = accumulate(batch_sizes)
    steps = [(end - size, end) for end, size in zip(ends, batch_sizes, strict=True)]
    return steps[::-1] if reverse else steps


def in_blocks(xp: Any, weight: Any, columns: int) -> Any:
    """A weight as a stack of blocks of rows, for quick products with a matrix of few columns."""
    rows, inner = weight.shape
    count = 1
    # BLAS's own threads make up for the copy where they share many columns.
    alone = columns < _COLUMNS or rests() or thread_count() < 2
    if xp is np and alone and weight.size <= _LARGE_WEIGHT:
        most = max(_SMALL_PRODUCT // max(inner * columns, 1), _FEWEST_ROWS)
        count = -(-rows // most)
        while rows % count:
            count += 1
        if rows // count < _FEWEST_ROWS:
            count = 1
    return weight.reshape(count, rows // count, inner)


def multiply(xp: Any, blocks: Any, columns: Any, out: Any) -> None:
    """``out = weight @ columns`` with the weight in blocks, for one step or ``(count, ...)``."""
    stacked = out.reshape(*out.shape[:-2], *blocks.shape[:2], out.shape[-1])
    xp.matmul(blocks, columns[..., None, :, :], out=stacked)


def product(xp: Any, left: Any, right: Any, out: Any = None) -> Any:
    """The product of two large matrices, by the same threads that go over the parts."""
    spreads = xp is np and rests() and thread_count() > 1
    return linalg.matmul(left, right, out) if spreads else xp.matmul(left, right, out)


def input_products(xp: Any, rows: Any, weight: Any, bias: Any) -> Any:
    """``weight @ x + bias`` of some steps, ``(count, height, width)``.

    Args:
        rows: ``(count, width, features)``.
        bias: ``(height, width)`` or wider, or None.
    """
    count, width, features = rows.shape
    if width == 1:
        products = (rows[:, 0] @ weight.T)[..., None]
    else:
        products = xp.empty((count, len(weight), width), rows.dtype)
        # In order, as BLAS takes small products only so.
        columns = xp.ascontiguousarray(rows.transpose(0, 2, 1))
        multiply(xp, in_blocks(xp, weight, width), columns, products)
    if bias is not None:
        products += bias[:, :width]
    return products


def widened(xp: Any, bias: Any, width: int) -> Any:
    """A bias for each column of a block, in memory: adding it is then one plain pass."""
    return xp.repeat(bias[:, None], width, 1)


def transposed(xp: Any, state: Any) -> Any:
    """A copy ``(hidden, batch)`` of a state ``(batch, hidden)``, to write into."""
    return xp.array(state.T, order="C")


def transposed_gradient(xp: Any, grad: Any, sequences: slice, size: int, dtype: Any) -> Any:
    """Where the gradient of a state is summed up: that of the last one, or zeros."""
    if grad is None:
        return xp.zeros((size, sequences.stop - sequences.start), dtype)
    return transposed(xp, grad[sequences])
