"""Gradients of convolutions as functions, against those of the convolutions."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
import lamella_nn as nn

SETTINGS = [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_both(dims, settings):
    random = np.random.default_rng(0)
    sizes, kernel = (
        (2, 4, *[6, 7, 5][:dims]),
        (6, 4 // settings.get("groups", 1), *[2, 3, 2][:dims]),
    )
    x = torch.tensor(random.standard_normal(sizes), requires_grad=True)
    w = torch.tensor(random.standard_normal(kernel), requires_grad=True)
    y = getattr(nn.functional, f"conv{dims}d")(x, w, **settings)
    g = torch.tensor(random.standard_normal(tuple(y.shape)))
    to_input, to_weight = autograd.grad(y, (x, w), g)
    found = getattr(nn.grad, f"conv{dims}d_input")(sizes, w, g, **settings)
    np.testing.assert_allclose(found.detach().numpy(), to_input.numpy())
    found = getattr(nn.grad, f"conv{dims}d_weight")(x, kernel, g, **settings)
    np.testing.assert_allclose(found.detach().numpy(), to_weight.numpy())


def test_errors():
    w, g = torch.zeros(3, 2, 2, 2), torch.zeros(1, 3, 4, 4)
    with pytest.raises(RuntimeError, match=r"outputs of size \[1, 3, 8, 8\].*\[1, 3, 4, 4\]"):
        nn.grad.conv2d_input((1, 2, 9, 9), w, g)
    with pytest.raises(RuntimeError, match=r"4-dimensional.*\[5, 5\]"):
        nn.grad.conv2d_input((5, 5), w, g)
    with pytest.raises(RuntimeError, match=r"\[1, 5, 5, 5\] and a weight of size \[3, 2, 2, 2\]"):
        nn.grad.conv2d_weight(torch.zeros(1, 5, 5, 5), (3, 2, 2, 2), g)
