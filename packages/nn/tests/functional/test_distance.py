"""Distances and similarities."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_autograd.func import vmap
from lamella_nn import functional as F
from lamella_nn.functional.distance import cdist

RNG = np.random.default_rng(0)


def test_cosine_similarity():
    a, b = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[4.0, 3.0], [1.0, 0.0]])
    assert F.cosine_similarity(a, b).tolist() == pytest.approx([24 / 25, 0.0])
    with pytest.raises(RuntimeError, match="floating point"):
        F.cosine_similarity(torch.tensor([[1]]), torch.tensor([[1]]))


def test_distances():
    a = torch.tensor([[3.0, 4.0]])
    assert F.pairwise_distance(a, torch.zeros(1, 2), eps=0.0).item() == 5.0
    x = torch.tensor([[0.0], [1.0], [3.0]])
    assert F.pdist(x).tolist() == [1.0, 3.0, 2.0]


def test_ties_of_the_largest_difference():
    """PyTorch's: all of the gradient goes to each of them."""
    x = torch.tensor([[1.0, 2.0], [2.0, 3.0]]).requires_grad_()
    (slope,) = autograd.grad(F.pdist(x, math.inf).sum(), x)
    assert slope.tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    a, b = torch.tensor([[1.0, 2.0]]).requires_grad_(), torch.tensor([[2.0, 3.0], [1.0, 2.0]])
    (slope,) = autograd.grad(cdist(a, b, math.inf).sum(), a)
    assert slope.tolist() == [[-1.0, -1.0]]


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("count", [3, 30])
def test_cdist(p: float, count: int) -> None:
    a, b = RNG.standard_normal((2, count, 4)), RNG.standard_normal((5, 4))
    b[0] = a[0, 0]
    got = cdist(torch.from_numpy(a), torch.from_numpy(b), p).numpy()
    gaps = a[:, :, None] - b
    expected = np.linalg.norm(gaps, p, -1)
    # A distance of 0 by the matrix product keeps the root of the rounding.
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-7)


def test_distances_of_nothing_are_zero() -> None:
    """Types and numbers are those that PyTorch 2.13 gives."""
    nothing = torch.ones(2, 0, dtype=torch.float16)
    assert F.pdist(nothing, math.inf).tolist() == [0.0]
    result = cdist(nothing, torch.ones(3, 0), 1.0)
    assert result.dtype is torch.float16 and result.tolist() == [[0.0] * 3] * 2
    assert cdist(torch.ones(30, 2).half(), torch.ones(30, 2).half()).dtype is torch.float16


def test_a_cosine_of_two_types_rounds_the_directions_each_in_its_own() -> None:
    """PyTorch 2.13 gives 0.758206 for a bfloat16 and a float32 vector, 0.755929 otherwise."""
    a = torch.tensor([[0.25, 0.5, 0.75]], dtype=torch.bfloat16)
    assert float(F.cosine_similarity(a, torch.tensor([[1.0, 0, 1]]))) == pytest.approx(0.758206)
    counts = torch.tensor([[1, 0, 1]])
    assert float(F.cosine_similarity(a.float(), counts)) == pytest.approx(0.755929)


def test_wrong_distances() -> None:
    with pytest.raises(RuntimeError, match="columns"):
        cdist(torch.ones(2, 3), torch.ones(2, 4))
    with pytest.raises(RuntimeError, match="non-negative"):
        cdist(torch.ones(2, 3), torch.ones(2, 3), -1.0)
    with pytest.raises(RuntimeError, match="expected scalar type Float but found Double"):
        cdist(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.float64))
    with pytest.raises(NotImplementedError, match="'Half'"):
        cdist(torch.ones(2, 3).half(), torch.ones(2, 3).half())
    with pytest.raises(NotImplementedError, match="'Half'"):
        F.pdist(torch.ones(2, 3).half())
    with pytest.raises(RuntimeError, match="floating"):
        F.pdist(torch.ones(0, 3).long())
    with pytest.raises(RuntimeError, match="non-negative"):
        F.pdist(torch.ones(2, 3), math.nan)
    with pytest.raises(ValueError, match="compute_mode"):
        cdist(torch.ones(2, 3), torch.ones(2, 3), compute_mode="fast")


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("mode", ["use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"])
def test_derivatives_of_cdist(p: float, mode: str) -> None:
    a = torch.from_numpy(RNG.standard_normal((2, 3, 4))).requires_grad_()
    b = torch.from_numpy(RNG.standard_normal((5, 4))).requires_grad_()
    assert autograd.gradcheck(lambda a, b: cdist(a, b, p, mode), (a, b))
    assert autograd.gradgradcheck(lambda a, b: cdist(a, b, p, mode), (a, b), fast_mode=True)


def test_a_distance_of_zero_has_gradient_zero() -> None:
    a = torch.ones(30, 2, requires_grad=True)
    cdist(a, torch.ones(1, 2)).sum().backward()
    assert not a.grad.any()


@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_cdist_of_each_example(in_dims: tuple[int | None, int | None]) -> None:
    """By the matrix product, whose op has a rule."""
    a, b = RNG.standard_normal((3, 30, 4)), RNG.standard_normal((3, 5, 4))
    args = [x if dim == 0 else x[0] for x, dim in zip((a, b), in_dims, strict=True)]
    found = vmap(cdist, in_dims=in_dims)(*map(torch.from_numpy, args)).numpy()
    first, second = (x if dim == 0 else x[None] for x, dim in zip(args, in_dims, strict=True))
    gaps = first[:, :, None] - second[:, None]
    np.testing.assert_allclose(found, np.linalg.norm(gaps, axis=-1), rtol=1e-10)


@pytest.mark.parametrize("name", ["cdist", "pdist"])
def test_the_core_names_the_owner(name: str) -> None:
    with pytest.raises(AttributeError, match="install lamella-nn"):
        getattr(torch, name)


def test_gradients_of_many_distances():
    # More than go through at once: sums of g |d|^(p-1) sign(d) / distance^(p-1).
    a, b = RNG.normal(size=(2, 120, 30)), RNG.normal(size=(150, 30))
    x1, x2 = torch.tensor(a).requires_grad_(), torch.tensor(b).requires_grad_()
    g = RNG.normal(size=(2, 120, 150))
    difference = a[:, :, None] - b
    slope = g[..., None] * difference * np.abs(difference)
    slope /= (np.abs(difference) ** 3).sum(-1)[..., None] ** (2 / 3)
    to_one, to_other = autograd.grad(cdist(x1, x2, 3.0), (x1, x2), torch.tensor(g))
    np.testing.assert_allclose(to_one.numpy(), slope.sum(2), rtol=1e-10)
    np.testing.assert_allclose(to_other.numpy(), -slope.sum((0, 1)), rtol=1e-10, atol=1e-12)
    (alone,) = autograd.grad(cdist(x1.detach(), x2, 3.0), x2, torch.tensor(g))
    np.testing.assert_allclose(alone.numpy(), to_other.numpy())


def test_gradient_of_many_pairs():
    x = RNG.normal(size=(200, 40))
    tensor = torch.tensor(x).requires_grad_()
    first, second = np.triu_indices(200, 1)
    g = RNG.normal(size=first.size)
    difference = x[first] - x[second]
    slope = (g / np.sqrt((difference**2).sum(1)))[:, None] * difference
    wanted = np.zeros_like(x)
    np.add.at(wanted, first, slope)
    np.subtract.at(wanted, second, slope)
    (found,) = autograd.grad(F.pdist(tensor), tensor, torch.tensor(g))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10, atol=1e-12)
