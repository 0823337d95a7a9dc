"""Samples have the gradient zero; dropout that of its noise."""

from __future__ import annotations

import lamella_autograd  # noqa: F401  (gives tensors requires_grad)
import lamella_core as lc
from lamella_core.ops.random import dropout_noise


def test_samples_do_not_depend_on_what_was_there() -> None:
    x = lc.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    mean = lc.zeros(3, requires_grad=True)
    lc.normal(mean, 1.0).sum().backward()
    assert mean.grad.tolist() == [0.0, 0.0, 0.0]


def test_dropout() -> None:
    lc.manual_seed(0)
    x = lc.full((8,), 3.0, requires_grad=True)
    result = dropout_noise(x, 0.5, None)[0]
    result.sum().backward()
    assert (x.grad * 3).tolist() == result.tolist()
