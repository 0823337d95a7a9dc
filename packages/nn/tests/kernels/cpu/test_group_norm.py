"""Group normalization, which works on some groups at a time, against its formula."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_autograd import func
from lamella_nn import functional as F


def formula(x, groups, weight, bias):
    rows = x.reshape(x.shape[0], groups, -1)
    normal = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 1e-5)
    form = (1, -1, *(1,) * (x.ndim - 2))
    return normal.reshape(x.shape) * weight.reshape(form) + bias.reshape(form)


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((3, 6, 5, 4), 2), ((5, 6), 3), ((40, 32, 8, 9), 8), ((2, 2, 300, 300), 1), ((1, 4, 9), 4)],
)
@pytest.mark.parametrize("last", [False, True])
def test_against_the_formula(shape, groups, last):
    generator = np.random.default_rng(0)
    values = generator.standard_normal(shape)
    weight, bias = generator.standard_normal((2, shape[1]))
    x = torch.tensor(values)
    if last:
        if len(shape) != 4:
            pytest.skip("channels-last has four dimensions")
        x = x.contiguous(memory_format=torch.channels_last)
    result = F.group_norm(x, groups, torch.tensor(weight), torch.tensor(bias))
    assert result.stride() == x.stride()
    np.testing.assert_allclose(result.numpy(), formula(values, groups, weight, bias), atol=1e-12)
    half = F.group_norm(x.half(), groups, torch.tensor(weight).half(), torch.tensor(bias).half())
    np.testing.assert_allclose(half.numpy(), formula(values, groups, weight, bias), atol=0.02)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_derivatives(last, affine):
    x = torch.randn(2, 4, 3, 2, dtype=torch.float64)
    x = x.contiguous(memory_format=torch.channels_last) if last else x
    more = [torch.randn(4, dtype=torch.float64, requires_grad=True) for _ in range(2 * affine)]
    inputs = (x.requires_grad_(), *more)

    def normalize(x, *more):
        return F.group_norm(x, 2, *more)

    assert autograd.gradcheck(normalize, inputs, check_forward_ad=True)
    assert autograd.gradgradcheck(normalize, inputs)


@pytest.mark.parametrize("dims", [(0, None), (0, 0), (None, 0)])
def test_batches(dims):
    x = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    weight = torch.randn(3, 4, dtype=torch.float64)
    x, weight = (each if d == 0 else each[0] for each, d in zip((x, weight), dims, strict=True))

    def each(i):
        return x if dims[0] is None else x[i], weight if dims[1] is None else weight[i]

    def loss(x, weight):
        return (F.group_norm(x, 2, weight) ** 3).sum()

    for function in (loss, func.grad(loss), func.grad(loss, argnums=1)):
        found = func.vmap(function, dims)(x, weight)
        expected = torch.stack([function(*each(i)) for i in range(3)])
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-9)


def test_second_derivatives_of_no_examples():
    x = torch.zeros(0, 4, 3, dtype=torch.float64, requires_grad=True)
    (grad,) = autograd.grad(F.group_norm(x, 2).sum(), x, create_graph=True)
    (second,) = autograd.grad(grad.sum(), x)
    assert second.shape == (0, 4, 3)


def test_running_statistics_of_instances():
    """By PyTorch's rule: the mean over examples of each one's mean and unbiased variance."""
    values = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    F.instance_norm(torch.tensor(values), mean, variance)
    np.testing.assert_allclose(mean.numpy(), 0.1 * values.mean((2, 3)).mean(0))
    expected = 0.9 + 0.1 * values.var((2, 3), ddof=1).mean(0)
    np.testing.assert_allclose(variance.numpy(), expected)
