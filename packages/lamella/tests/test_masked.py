"""Gradients of masked ops: nothing flows to the elements that are hidden."""

from __future__ import annotations

import pytest

import lamella
from lamella import masked
from lamella.autograd import gradcheck

MASK = lamella.tensor(
    [[True, False, True, True], [True, True, False, True], [False, True, True, True]]
)


def leaf() -> lamella.Tensor:
    generator = lamella.Generator().manual_seed(1)
    x = lamella.randn(3, 4, dtype=lamella.float64, generator=generator)
    return x.requires_grad_()


@pytest.mark.parametrize("name", ["sum", "prod", "amax", "mean", "norm", "var", "std", "logsumexp"])
def test_reductions(name: str) -> None:
    assert gradcheck(lambda x: getattr(masked, name)(x, dim=1, mask=MASK), leaf())


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "softmax", "softmin"])
def test_normalizations(name: str) -> None:
    assert gradcheck(lambda x: getattr(masked, name)(x, 1, mask=MASK), leaf())


def test_normalize() -> None:
    assert gradcheck(lambda x: masked.normalize(x, 2.0, 1, mask=MASK), leaf())
