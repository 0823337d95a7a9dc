"""What the tests of the derivatives share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as lc

STEP = 1e-6


@pytest.fixture
def check() -> Callable[..., None]:
    """``check(function, *arrays)``: gradients against central differences, in float64."""
    return hold_to_differences


def hold_to_differences(
    function: Callable[..., Any], *arrays: np.ndarray, tolerance: float = 1e-6
) -> None:
    rng = np.random.default_rng(0)
    inputs = [lc.from_numpy(a.copy()).requires_grad_() for a in arrays]
    result = function(*inputs)
    weights = lc.from_numpy(np.asarray(rng.standard_normal(result.shape)))
    found = autograd.grad((result * weights).sum(), inputs)

    def value(*given: np.ndarray) -> float:
        return (function(*map(lc.from_numpy, given)) * weights).sum().item()

    for i, (array, gradient) in enumerate(zip(arrays, found, strict=True)):
        expected = np.empty_like(array)
        for place in np.ndindex(array.shape):
            shifted = [a.copy() for a in arrays]
            shifted[i][place] += STEP
            above = value(*shifted)
            shifted[i][place] -= 2 * STEP
            expected[place] = (above - value(*shifted)) / (2 * STEP)
        np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-5, atol=tolerance)
