"""Derivatives of rearrangements."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad


@pytest.mark.parametrize("repeats", [(2, 2), (2, 1, 3), (3, 3)])
@pytest.mark.parametrize("shape", [(3, 4), (400, 500)])
def test_repetitions_are_summed(repeats: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """The sum of the tiles, of large tensors too."""
    x = lc.zeros(shape, dtype=lc.float64).requires_grad_()
    result = x.repeat(repeats)
    weights = np.random.default_rng(0).integers(-9, 9, tuple(result.shape)).astype(float)
    tiles = weights.reshape(-1, repeats[-2], shape[0], repeats[-1], shape[1])
    for recorded in (True, False):
        (found,) = grad(result, x, lc.from_numpy(weights), retain_graph=True, create_graph=recorded)
        np.testing.assert_array_equal(found.detach().numpy(), tiles.sum((0, 1, 3)))
