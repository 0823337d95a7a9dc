from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_sparse.coordinates import check, flat, joined, lookup, unflat

SIZES = (3, 4, 5)


def coordinates(count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    return np.stack([random.integers(0, size, count) for size in SIZES])


def test_positions_are_numpys() -> None:
    indices = coordinates(20)
    positions = flat(core.tensor(indices), SIZES)
    np.testing.assert_array_equal(positions.numpy(), np.ravel_multi_index(tuple(indices), SIZES))
    np.testing.assert_array_equal(unflat(positions, SIZES).numpy(), indices)


def test_values_of_one_place_are_added_up() -> None:
    indices, values = coordinates(200), np.random.default_rng(0).standard_normal((200, 2))
    dense = np.zeros((*SIZES, 2))
    np.add.at(dense, tuple(indices), values)
    found, sums = joined(core.tensor(indices), core.tensor(values), SIZES)
    places = np.ravel_multi_index(tuple(found.numpy()), SIZES)
    assert (np.diff(places) > 0).all()
    np.testing.assert_allclose(sums.numpy(), dense[tuple(found.numpy())])
    assert len(places) == len(np.unique(np.ravel_multi_index(tuple(indices), SIZES)))


def test_bools_are_joined_by_or() -> None:
    _, sums = joined(core.tensor([[0, 0, 1]]), core.tensor([True, True, False]), (2,))
    assert sums.tolist() == [True, False]


def test_lookup() -> None:
    places, found = lookup(core.tensor([2, 5, 9]), core.tensor([5, 1, 10, 9]))
    assert found.tolist() == [True, False, False, True]
    assert places[found].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("indices", "text"),
    [([[0, 3]], "for dim 0, size is 3 but found index 3"), ([[0, -1]], "negative index -1")],
)
def test_coordinates_outside(indices, text) -> None:
    with pytest.raises(RuntimeError, match=text):
        check(core.tensor(indices), (3,))
