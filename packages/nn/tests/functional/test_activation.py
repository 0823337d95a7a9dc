"""The ``inplace`` argument, implicit dimensions, Gumbel-softmax."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_autograd import func
from lamella_nn import Softmax
from lamella_nn import functional as F

NAMES = "relu relu6 hardtanh leaky_relu elu celu selu silu mish hardsigmoid hardswish".split()


@pytest.mark.parametrize("name", NAMES)
def test_inplace_overwrites_the_input(name):
    function = getattr(F, name)
    x = torch.tensor([-2.0, -0.5, 0.5, 7.0])
    expected = function(x).tolist()
    assert function(x, inplace=True) is x
    assert x.tolist() == expected


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax") as caught:
        assert F.softmax(torch.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
        assert Softmax()(torch.zeros(2, 4)).tolist() == [[0.25] * 4] * 2
    assert [each.filename for each in caught] == [__file__] * 2


def test_gumbel_softmax():
    torch.manual_seed(0)
    hard = F.gumbel_softmax(torch.zeros(5, 3), hard=True)
    assert hard.sum(1).tolist() == pytest.approx([1.0] * 5)
    assert F.gumbel_softmax(torch.zeros(5, 3)).sum(1).tolist() == pytest.approx([1.0] * 5)


def test_bounds_in_the_wrong_order():
    with pytest.raises(ValueError, match="min_val cannot be greater"):
        F.hardtanh(torch.zeros(2), 1.0, -1.0)


@pytest.mark.parametrize(
    ("shape", "dim"), [((4, 6), -1), ((600, 700), 0), ((500, 800), -1), ((2, 4, 3, 5), 1)]
)
def test_gated_unit(shape, dim):
    values = np.random.default_rng(0).standard_normal(shape)
    first, second = np.split(values, 2, dim)
    expected = first / (1 + np.exp(-second))
    np.testing.assert_allclose(F.glu(torch.tensor(values), dim).numpy(), expected, rtol=1e-12)
    half = F.glu(torch.tensor(values).half(), dim)
    assert half.dtype is torch.float16
    np.testing.assert_allclose(half.numpy(), expected, rtol=0.01, atol=0.01)
    x = torch.tensor(values, requires_grad=True)
    (grad,) = autograd.grad(F.glu(x, dim).sum(), x)
    slope = 1 / (1 + np.exp(-second))
    both = np.concatenate([slope, first * slope * (1 - slope)], dim)
    np.testing.assert_allclose(grad.numpy(), both, rtol=1e-9, atol=1e-12)


def test_derivatives_of_the_gated_unit():
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)

    def gated(x):
        return F.glu(x, 1)

    assert autograd.gradcheck(gated, x, check_forward_ad=True, check_batched_grad=True)
    assert autograd.gradgradcheck(gated, x)
    batched = func.vmap(F.glu, 1)(x)
    np.testing.assert_array_equal(batched.detach().numpy()[2], F.glu(x[:, 2]).detach().numpy())
