"""Rounds of the way back: which rows and chunks they have, and the states before these."""

import numpy as np
import pytest

from lamella_core import parallel
from lamella_nn.kernels import recurrent_steps
from lamella_nn.kernels.recurrent_rounds import Gradients, go_back, rounds_of
from lamella_nn.kernels.recurrent_steps import parts_of, steps_of

SIZES = [(9, 9, 9), (3, 2, 1), (9, 9, 8), (70, 70, 40, 33, 33, 2), (7,) * 40, (150,), (150, 90, 3)]
# With 70 sequences and 128 numbers in a state, a batch is taken in parts.
WEIGHT = np.empty((128, 128))


@pytest.fixture(autouse=True)
def small_rounds(monkeypatch):
    """Rounds of at most 100 rows, and a BLAS whose threads do not spin."""
    monkeypatch.setattr(recurrent_steps, "_HELD", 0)
    monkeypatch.setattr(recurrent_steps, "_ROWS", 100)
    monkeypatch.setattr(parallel, "_SPINNING", 20)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_rounds_have_every_row_once_and_the_last_steps_first(sizes, reverse):
    numbers = np.arange(sum(sizes))[:, None]
    parts = parts_of(np, WEIGHT, sizes, reverse)
    met, of_part = [], {id(part): [] for part in parts}
    for each in rounds_of(parts, reverse, 100):
        assert each.rows.stop - each.rows.start <= 100
        rows = []
        for part, chunks in each.work:
            of_part[id(part)][:0] = chunks
            rows += [n for chunk in chunks for n in chunk.rows_of(numbers).ravel()]
        assert sorted(rows) == [*range(each.rows.start, each.rows.stop)]
        met += rows
    assert sorted(met) == [*range(sum(sizes))]
    assert all(of_part[id(part)] == part.chunks for part in parts)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_what_rounds_add_up_to_is_with_the_states_that_a_walk_meets(sizes, reverse):
    random = np.random.default_rng(1)
    rows = sum(sizes)
    grads, input = random.standard_normal((rows, 6)), random.standard_normal((rows, 4))
    output, hx = random.standard_normal((rows, 128)), random.standard_normal((sizes[0], 128))
    weight = random.standard_normal((5, 4))
    state, before = hx.copy(), np.empty_like(output)
    for start, end in steps_of(sizes, reverse):
        before[start:end] = state[: end - start]
        state[: end - start] = output[start:end]

    def run(part, chunks, first, held):
        for chunk in chunks:
            chunk.rows_of(held, first)[...] = chunk.rows_of(grads)

    found = Gradients(np, input, output, hx, weight, (True,) * 5)
    for each, held in go_back(np, WEIGHT, sizes, reverse, 6, run):
        found.add(each, held[:, :5], held[:, 1:])
    of_inputs, of_states = grads[:, :5], grads[:, 1:]
    expected = (
        of_inputs @ weight,
        of_inputs.T @ input,
        of_states.T @ before,
        of_inputs.sum(0),
        of_states.sum(0),
    )
    for result, value in zip(found.results, expected, strict=True):
        np.testing.assert_allclose(result, value, atol=1e-12)
