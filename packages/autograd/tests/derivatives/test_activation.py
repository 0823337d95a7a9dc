"""Derivatives of the activations at their edges: PyTorch's sub-gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad
from lamella_core.ops import activation as ops


@pytest.mark.parametrize(
    ("x", "slope", "second"),
    [
        (0.0, 15.0, (0.0, 7.0)),
        (math.nan, 15.0, (35.0, 21.0)),
        (1.0, 5.0, (0.0, 7.0)),
        (-1.0, 15.0, (35.0, 21.0)),
    ],
)
def test_prelu_at_zero(x: float, slope: float, second: tuple[float, float]) -> None:
    """PyTorch's: its slope at 0 is the weight, but that slope's own is as on the right."""
    input, weight, seed = (lc.tensor([[v]]).requires_grad_() for v in (x, 3.0, 5.0))
    weight = weight.detach().reshape(1).requires_grad_()
    (first,) = grad(ops.prelu(input, weight), input, seed, create_graph=True)
    assert first.item() == slope
    by_weight, by_seed = grad(first, (weight, seed), lc.tensor([[7.0]]))
    assert (by_weight.item(), by_seed.item()) == second


def test_second_derivatives_of_nan():
    x = lc.tensor([math.nan]).requires_grad_()
    (slope,) = grad(ops.elu(x).sum(), x, create_graph=True)
    (bend,) = grad(slope.sum(), x)
    assert math.isnan(bend.item())


def test_logit_outside_its_bounds():
    """PyTorch's: the slope's slope is 0, or NaN where ``x (1 - x)`` is 0."""
    x = lc.tensor([0.0, 0.1, 0.25], dtype=lc.float64).requires_grad_()
    (slope,) = grad(lc.logit(x, 0.2).sum(), x, create_graph=True)
    assert slope.tolist() == [0.0, 0.0, pytest.approx(16 / 3)]
    (bend,) = grad(slope.sum(), x)
    assert math.isnan(bend[0].item())
    assert bend[1:].tolist() == [0.0, pytest.approx(-0.5 * (16 / 3) ** 2)]


@pytest.mark.parametrize("slopes", [1, 3])
def test_large_gradients_of_prelu(slopes: int) -> None:
    """Made of parts; against the formula in NumPy."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3, 2000)).astype(np.float32)
    x[0, 0, :3] = (0, np.nan, -0.0)
    seed = rng.standard_normal(x.shape).astype(np.float32)
    slope = np.array([0.5, -2.0, 3.0], np.float32)[:slopes]
    input, weight = lc.tensor(x).requires_grad_(), lc.tensor(slope).requires_grad_()
    by_input, by_weight = grad(ops.prelu(input, weight), (input, weight), lc.tensor(seed))
    steep = seed * slope[:, None]
    np.testing.assert_array_equal(by_input.numpy(), np.where(x > 0, seed, steep))
    lost = np.where(x >= 0, 0, seed.astype(np.float64) * x)
    total = lost.sum((0, 2)) if slopes == 3 else lost.sum()[None]
    np.testing.assert_allclose(by_weight.numpy(), total, rtol=1e-4)
