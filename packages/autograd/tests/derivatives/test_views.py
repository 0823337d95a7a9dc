"""Gradients of views: the elements that a view leaves out have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import grad

WHOLE = slice(None)


@pytest.mark.parametrize(
    "index",
    [
        (),
        ...,
        None,
        (WHOLE, WHOLE),
        (WHOLE, slice(0, 1), ..., None),
        (slice(None, None, 2),),
        (1, 0),
        (WHOLE, 0, slice(1, 4)),
        (slice(3, 3),),
    ],
)
def test_gradient_of_an_index(index: object) -> None:
    array = np.random.default_rng(0).standard_normal((3, 1, 4))
    x = core.from_numpy(array).requires_grad_()
    result = x[index]
    weights = np.random.default_rng(1).standard_normal(result.shape)
    expected = np.zeros_like(array)
    expected[index] = weights
    (found,) = grad(result, x, core.from_numpy(weights), create_graph=True)
    np.testing.assert_array_equal(found.detach().numpy(), expected)
    # It is linear in what comes from above, and the same function of it.
    above = core.from_numpy(weights).requires_grad_()
    (again,) = grad(x[index], x, above, create_graph=True)
    if again.requires_grad:
        (slope,) = grad(again, above, core.from_numpy(array))
        np.testing.assert_array_equal(slope.numpy(), array[index])


@pytest.mark.parametrize(
    ("shape", "steps", "offset"),
    [
        ((2, 3), (6, 2), 1),
        ((3, 2), (2, 6), 0),
        ((3, 4), (2, 1), 1),
        ((2, 3), (0, 1), 2),
        ((0, 3), (1, 1), 0),
        ((1, 2), (0, 11), 0),
        ((), (), 5),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_gradient_of_strides(shape: Any, steps: Any, offset: int, recorded: bool) -> None:
    """Every element has the sum over the places that show it, apart or not."""
    x = core.zeros(3, 4, dtype=core.float64).requires_grad_()
    weights = np.random.default_rng(0).standard_normal(shape)
    expected = np.zeros(12)
    for place in np.ndindex(*shape):
        expected[offset + np.dot(place, steps).astype(int)] += weights[place]
    view = x.as_strided(shape, steps, offset)
    (found,) = grad(view, x, core.from_numpy(np.asarray(weights)), create_graph=recorded)
    np.testing.assert_array_equal(found.detach().numpy(), expected.reshape(3, 4))
