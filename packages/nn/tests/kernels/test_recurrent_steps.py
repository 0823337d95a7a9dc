"""Parts of a batch, their steps and the products of these, against NumPy step by step."""

import numpy as np
import pytest

from lamella_core import parallel
from lamella_nn.kernels.recurrent_steps import (
    go_over,
    in_blocks,
    input_products,
    multiply,
    parts_of,
    steps_of,
    widened,
)

SIZES = [(9, 9, 9), (3, 2, 1), (9, 9, 8), (70, 70, 40, 33, 33, 2)]
# With 70 sequences and 128 numbers in a state, a batch is taken in parts.
WEIGHT = np.empty((128, 128))


@pytest.fixture
def resting(monkeypatch):
    """A BLAS whose threads do not spin, beside which batches are taken in parts."""
    monkeypatch.setattr(parallel, "_SPINNING", 20)


def test_steps_are_the_rows_of_each_step_in_order():
    assert steps_of((3, 2, 2), False) == [(0, 3), (3, 5), (5, 7)]
    assert steps_of((3, 2, 2), True) == [(5, 7), (3, 5), (0, 3)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_parts_walk_over_every_sequence_in_its_order(resting, sizes, reverse):
    rows = sum(sizes)
    numbers = np.arange(rows)[:, None]
    reserve, written = np.full(2 * rows, -1), np.full((rows, 3), -1)
    met = [[] for _ in range(sizes[0])]
    parts = parts_of(np, WEIGHT, sizes, reverse)
    assert len(parts) == (1 if sizes[0] < 32 else 3 if sizes[0] == 70 else 2)
    for part in parts:
        share = part.share_of(reserve, 2)
        for chunk in part.chunks:
            found = chunk.rows_of(numbers)[..., 0]
            assert found.shape == (chunk.count, chunk.width)
            chunk.saved_in(share, 2)[...] = found[:, None]
            chunk.rows_of(written)[...] = found[..., None]
            for step in found:
                for sequence, row in enumerate(step, part.sequences.start):
                    met[sequence].append(row)
    starts = [start for start, _ in steps_of(sizes, reverse)]
    order = sizes[::-1] if reverse else sizes
    for sequence, found in enumerate(met):
        steps = zip(starts, order, strict=True)
        assert found == [start + sequence for start, size in steps if sequence < size]
    assert sorted(reserve) == sorted([*range(rows), *range(rows)])
    np.testing.assert_array_equal(written, numbers.repeat(3, 1))


def test_all_parts_are_gone_over_with_any_number_of_threads(resting):
    parts = parts_of(np, WEIGHT, (70,) * 3, False)
    before = parallel.thread_count()
    try:
        for threads in (1, 3):
            parallel.set_thread_count(threads)
            met = []
            go_over(parts, lambda part, met=met: met.append(part.sequences.start))
            assert sorted(met) == [0, 23, 46]
    finally:
        parallel.set_thread_count(before)


def test_a_batch_is_left_whole_where_blas_has_the_threads(monkeypatch):
    monkeypatch.setattr(parallel, "_SPINNING", 26)
    (part,) = parts_of(np, WEIGHT, (70,) * 3, False)
    assert part.sequences == slice(0, 70)


@pytest.mark.parametrize("shape", [(5, 3), (96, 700), (97, 4000), (1200, 1000)])
@pytest.mark.parametrize("columns", [1, 7, 40])
def test_products_in_blocks_are_those_of_the_whole(resting, shape, columns):
    random = np.random.default_rng(0)
    weight, right = random.standard_normal(shape), random.standard_normal((shape[1], columns))
    for each, by in ((weight, right), (weight.T, random.standard_normal((shape[0], columns)))):
        out = np.full((len(each), columns), np.nan)
        multiply(np, in_blocks(np, each, columns), by, out)
        np.testing.assert_allclose(out, each @ by, atol=1e-11)


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("biased", [False, True])
def test_products_of_inputs_stand_step_by_step(width, biased):
    random = np.random.default_rng(0)
    rows, weight = random.standard_normal((6, width, 3)), random.standard_normal((4, 3))
    bias = random.standard_normal(4) if biased else None
    found = input_products(np, rows, weight, widened(np, bias, 5) if biased else None)
    expected = np.einsum("hf,twf->thw", weight, rows)
    np.testing.assert_allclose(found, expected if bias is None else expected + bias[:, None])


def test_a_widened_bias_stands_in_every_column():
    np.testing.assert_array_equal(widened(np, np.array([1.0, 2.0]), 3), [[1, 1, 1], [2, 2, 2]])
