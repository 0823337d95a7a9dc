"""Derivatives of the operators at their edges: PyTorch's sub-gradients."""

from __future__ import annotations

import lamella_core as lc
from lamella_autograd import grad


def test_power_to_the_exponent_zero():
    """PyTorch's: the slope by the base is 0 for good, also of a negative base."""
    base = lc.tensor([-2.0, 0.0], dtype=lc.float64).requires_grad_()
    exponent = lc.zeros(2, dtype=lc.float64).requires_grad_()
    (slope,) = grad((base**exponent).sum(), base, create_graph=True)
    assert slope.tolist() == [0.0, 0.0]
    (bend,) = grad(slope.sum(), base)
    assert bend[0].item() == 0.0
