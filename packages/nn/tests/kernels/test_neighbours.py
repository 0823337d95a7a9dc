"""Which elements each output of resampling is made of."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels.neighbours import Axis


def matrix(axis, step):
    """What each output takes of each element, from tables of some outputs at a time."""
    found = np.zeros((axis.after, axis.before))
    for start in range(0, axis.after, step):
        stop = min(start + step, axis.after)
        index, shares = axis.taps(start, stop)
        shares = np.ones(index.shape) if shares is None else shares
        np.add.at(found, (np.arange(start, stop), index), shares)
    return found


@pytest.mark.parametrize("mode", ["averaging bilinear", "averaging bicubic", "averaging lanczos"])
@pytest.mark.parametrize(("size", "count"), [(10, 4), (5, 9), (6, 6), (7, 1)])
def test_weights(mode, size, count):
    weights = matrix(Axis(size, count, mode, size / count), count)
    np.testing.assert_allclose(weights.sum(1), np.ones(count))
    # What is symmetric about the middle stays so.
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


def test_a_half_of_the_size_by_a_triangle():
    # The triangle over a half of the size reaches over four elements: 1/8, 3/8, 3/8, 1/8.
    weights = matrix(Axis(8, 4, "averaging bilinear", 2.0), 4)
    np.testing.assert_allclose(weights[1], [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0, 0, 0])


def test_the_two_neighbours_by_their_nearness():
    np.testing.assert_allclose(
        matrix(Axis(2, 4, "linear", 0.5), 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    )


@pytest.mark.parametrize(
    "mode",
    ["nearest", "nearest-exact", "linear", "cubic", "averaging bilinear", "averaging bicubic",
     "averaging lanczos"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("size", "count", "ratio"),
    [(30, 70, 30 / 70), (70, 30, 70 / 30), (9, 1, 0.0), (40, 40, 1.0), (12, 17, 0.7), (25, 5, 3.5)],
)
@pytest.mark.parametrize("align_corners", [False, True])
def test_a_turned_dimension_is_the_transpose(mode, size, count, ratio, align_corners):
    axis = Axis(size, count, mode, ratio, align_corners)
    whole = matrix(axis, count)
    np.testing.assert_allclose(matrix(axis, 7), whole, rtol=1e-12)
    for step in (size, 6, 1):
        np.testing.assert_allclose(matrix(axis.turn(), step), whole.T, rtol=1e-12)
