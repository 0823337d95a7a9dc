"""The order of steps and the products of all steps, against NumPy step by step."""

import numpy as np
import pytest

from lamella_nn.kernels.recurrent_steps import (
    block_of,
    input_products,
    states_before,
    steps_of,
    widened,
)

SIZES = [(9, 9, 9), (3, 2, 1), (9, 9, 8)]


def test_steps_are_the_rows_of_each_step_in_order():
    assert steps_of((3, 2, 2), False) == [(0, 3), (3, 5), (5, 7)]
    assert steps_of((3, 2, 2), True) == [(5, 7), (3, 5), (0, 3)]


@pytest.mark.parametrize("sizes", SIZES)
def test_products_of_all_steps_stand_in_their_blocks(sizes):
    random = np.random.default_rng(0)
    rows, height = sum(sizes), 5
    input, weight = random.standard_normal((rows, 3)), random.standard_normal((4, 3))
    reserve = np.full(height * rows, np.nan)
    input_products(np, input, weight, reserve, height, sizes)
    for start, end in steps_of(sizes, False):
        block = block_of(reserve, height, start, end)
        np.testing.assert_allclose(block[:4], weight @ input[start:end].T)
        assert np.isnan(block[4:]).all()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_states_before_are_those_that_a_walk_meets(sizes, reverse):
    random = np.random.default_rng(1)
    output, hx = random.standard_normal((sum(sizes), 2)), random.standard_normal((sizes[0], 2))
    state, expected = hx.copy(), np.empty_like(output)
    for start, end in steps_of(sizes, reverse):
        expected[start:end] = state[: end - start]
        state[: end - start] = output[start:end]
    np.testing.assert_array_equal(states_before(np, output, hx, sizes, reverse), expected)


def test_a_widened_bias_stands_in_every_column():
    np.testing.assert_array_equal(widened(np, np.array([1.0, 2.0]), 3), [[1, 1, 1], [2, 2, 2]])
