"""Look-up kernels against NumPy's indexing."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import embedding as kernels

TABLE = np.arange(12.0).reshape(4, 3)


def test_rows():
    indices = np.array([[0, 3], [1, 1]])
    np.testing.assert_array_equal(
        kernels.embedding(np, TABLE, indices, -1, False, False), TABLE[indices]
    )


@pytest.mark.parametrize("wrong", [4, -1])
def test_an_index_that_is_no_row(wrong):
    with pytest.raises(IndexError, match=f"index out of range.*index {wrong}.*4 rows"):
        kernels.embedding(np, TABLE, np.array([0, wrong]), -1, False, False)


@pytest.mark.parametrize("padding_idx", [-1, 1])
@pytest.mark.parametrize("by_frequency", [True, False])
def test_gradient_adds_up_by_row(padding_idx, by_frequency):
    indices = np.array([2, 0, 2, 1, 2])
    grad = np.random.default_rng(0).standard_normal((5, 3))
    expected = np.zeros((4, 3))
    np.add.at(expected, indices, grad)
    if by_frequency:
        expected[2] /= 3
    if padding_idx >= 0:
        expected[padding_idx] = 0
    back = kernels.embedding_backward(np, grad, indices, 4, padding_idx, by_frequency)
    np.testing.assert_allclose(back, expected)


def test_gradient_of_no_look_ups_is_zero():
    indices = np.zeros((0, 3), np.int64)
    found = kernels.embedding_backward(np, np.zeros((0, 3, 2)), indices, 4, -1, False)
    np.testing.assert_array_equal(found, np.zeros((4, 2)))


def test_sums_of_many_rows_in_parts():
    random = np.random.default_rng(0)
    indices = random.integers(0, 700, 2100)
    grad = random.standard_normal((2100, 1600))
    expected = np.zeros((900, 1600))
    np.add.at(expected, indices, grad)
    found = kernels.embedding_backward(np, grad, indices, 900, -1, False)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
