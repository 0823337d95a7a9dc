"""Binomial numbers are PyTorch's, over counts and probabilities of all sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lamella


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(20))
def test_numbers(seed: int, dtype: str) -> None:
    parameters = np.random.default_rng(seed)
    count = np.floor(10 ** parameters.uniform(0, 8, 3000)).astype(dtype)
    # Even ones are rare, as counts by waiting times need them.
    prob = parameters.uniform(0, 1, 3000) if seed % 2 else 10 ** parameters.uniform(-8, 0, 3000)
    found, states = [], []
    for framework in (torch, lamella):
        framework.manual_seed(seed)
        numbers = framework.binomial(
            framework.from_numpy(count), framework.from_numpy(prob.astype(dtype))
        )
        found.append(numbers.numpy())
        states.append(framework.get_rng_state().numpy())
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(states[1], states[0])
