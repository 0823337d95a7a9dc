"""The way back through a recurrent layer: round by round, of which each has some steps.

The gradients of the gates are held for the rows of one round, and go into those of input, weights
and biases before the next round is computed.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from lamella_nn.kernels.recurrent_steps import (
    Chunk,
    Part,
    Run,
    go_over,
    most_rows,
    parts_of,
    product,
    transposed_gradient,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = list[tuple[Part, list[Chunk]]]

_number = attrgetter("number")


class Round:
    """Some steps of some parts, which lie together.

    Attributes:
        rows: those of the steps and parts.
        work: each part with its chunks.
    """

    __slots__ = ("_first", "_reverse", "_runs", "rows", "work")

    def __init__(self, rows: slice, first: int, runs: list[Run], reverse: bool, work: Work) -> None:
        self.rows, self.work = rows, work
        self._first, self._runs, self._reverse = first, runs, reverse

    def states_before(self, xp: Any, output: Any, hx: Any) -> Any:
        """The state before each row's step, ``(rows, hidden)``.

        Args:
            output: the states after each step of the batch, ``(all rows, hidden)``.
            hx: those before the first one, ``(batch, hidden)``.
        """
        start, first = self.rows.start, self._first
        if len(self._runs) == 1 and self._runs[0].steps == 1 and not self._runs[0].known:
            return hx[first : first + self.rows.stop - start]
        states = xp.empty((self.rows.stop - start, hx.shape[1]), output.dtype)
        for row, height, count, _, before, known in self._runs:
            low, more = row + first, (count - 1) * height
            # Of all steps but the first one, the states are in the rows a step away.
            step, rest, away = low, low + height, -height
            if self._reverse:
                step, rest, away = low + more, low, height
            states[rest - start : rest - start + more] = output[rest + away : rest + away + more]
            width = min(height, self.rows.stop - row) - first
            known = max(min(known - first, width), 0)
            of_step = states[step - start : step - start + width]
            of_step[:known] = output[before + first : before + first + known]
            of_step[known:] = hx[first + known : first + width]
        return states


def rounds_of(parts: list[Part], reverse: bool, most: int) -> Iterator[Round]:
    """The rounds of at most so many rows, the last steps first."""
    runs = parts[0].runs
    count = sum([part.rows for part in parts])
    if not runs or runs[0].number == runs[-1].number and parts[-1].sequences.stop <= most:
        work = [(part, part.chunks) for part in parts]
        yield Round(slice(0, count), 0, runs, reverse, work)
        return
    groups: list[list[Part]] = []
    for part in parts:
        if not groups or part.sequences.stop - groups[-1][0].sequences.start > most:
            groups.append([])
        groups[-1].append(part)
    for group in groups:
        first, end = group[0].sequences.start, group[-1].sequences.stop
        chunks = [(part, {n: list(c) for n, c in groupby(part.chunks, _number)}) for part in group]
        for number, found in groupby(reversed(parts[0].runs), _number):
            runs = [run for run in found if run.height > first]
            if runs:
                last = max(runs)
                stop = last.row + (last.steps - 1) * last.height + min(end, last.height)
                work = [(part, of[number]) for part, of in chunks if number in of]
                yield Round(slice(min(runs).row + first, stop), first, runs, reverse, work)


def go_back(
    xp: Any,
    weight: Any,
    batch_sizes: tuple[int, ...],
    reverse: bool,
    height: int,
    run: Callable[..., None],
    *states: tuple[Any, int, Any],
) -> Iterator[tuple[Round, Any]]:
    """Each round and what ``run`` has written for its rows, ``(rows, height)``.

    ``run(part, chunks, first, held, *grads)`` gets the number of the first row in what it writes
    to, and the gradients of the states after the chunks, ``(size, width)``, which it writes over
    with those before them.

    Args:
        weight: that of the state.
        states: of each the gradient of the last one (None where it is 0), its size, and where the
            gradient of the first one goes, ``(batch, size)``; empty where it is not wanted.
    """

    def go_through(first: int, held: Any, work: tuple[Part, list[Chunk]]) -> None:
        part, chunks = work
        grads = part.carried or [
            transposed_gradient(xp, grad, part.sequences, size, weight.dtype)
            for grad, size, _ in states
        ]
        run(part, chunks, first, held, *grads)
        if chunks[:1] != part.chunks[:1]:
            part.carried = grads
            return
        part.carried = None
        for grad, (_, _, target) in zip(grads, states, strict=True):
            if len(target):
                target[part.sequences] = grad.T

    room = xp.empty((0, height), weight.dtype)
    parts = parts_of(xp, weight, batch_sizes, reverse)
    for each in rounds_of(parts, reverse, most_rows(weight)):
        first = each.rows.start
        count = each.rows.stop - first
        if len(room) < count:
            room = xp.empty((count, height), weight.dtype)
        held = room[:count]
        go_over(each.work, partial(go_through, first, held))
        yield each, held


class Gradients:
    """Those of input, weights and biases, to which every round adds its own.

    Args:
        needs: which of ``results`` are wanted.

    Attributes:
        results: the gradients to input, weight_ih, weight_hh, bias_ih and bias_hh; empty where
            they are not wanted.
    """

    __slots__ = ("_given", "_needs", "_xp", "results")

    def __init__(
        self, xp: Any, input: Any, output: Any, hx: Any, weight_ih: Any, needs: tuple[bool, ...]
    ) -> None:
        self._xp, self._given, self._needs = xp, (input, output, hx, weight_ih), needs
        self.results = [xp.empty(0, input.dtype)] * 5
        if needs[0]:
            self.results[0] = xp.empty((len(input), weight_ih.shape[1]), input.dtype)

    def add(self, each: Round, inputs: Any, states: Any) -> None:
        """What a round adds, from the gradients of its products with input and state, ``(rows,
        gates times size)``."""
        xp, needs, rows = self._xp, self._needs, each.rows
        input, output, hx, weight_ih = self._given
        if needs[0]:
            product(xp, inputs, weight_ih, self.results[0][rows])
        if needs[1]:
            self._sum(1, product(xp, inputs.T, input[rows]))
        if needs[2]:
            self._sum(2, product(xp, states.T, each.states_before(xp, output, hx)))
        if needs[3]:
            self._sum(3, inputs.sum(0))
        if needs[4]:
            self._sum(4, states.sum(0))

    def _sum(self, place: int, found: Any) -> None:
        if len(self.results[place]):
            self.results[place] += found
        else:
            self.results[place] = found
