"""Derivatives of what is computed from samples, by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

import lamella as torch

X = np.random.default_rng(1).standard_normal((3, 4))


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.copy()).requires_grad_()


def test_integrals() -> None:
    for name in ("trapezoid", "trapz", "cumulative_trapezoid"):
        function = getattr(torch, name)
        assert torch.autograd.gradcheck(function, (leaf(X), leaf(np.sort(X, 1))))
        assert torch.autograd.gradcheck(lambda y: function(y, dx=0.5, dim=0), leaf(X))  # noqa: B023


@pytest.mark.parametrize("edge_order", [1, 2])
def test_differences(edge_order: int) -> None:
    places = [torch.from_numpy(np.sort(row)) for row in (X[:, 0], X[0])]
    for spacing in (0.5, places):
        assert torch.autograd.gradcheck(
            lambda x: torch.gradient(x, spacing=spacing, edge_order=edge_order),  # noqa: B023
            leaf(X),
        )


def test_covariances() -> None:
    for function in (torch.cov, torch.corrcoef, torch.Tensor.cov):
        assert torch.autograd.gradcheck(function, leaf(X))
    with pytest.raises(TypeError):
        torch.cov(leaf(X), correction=True)


def test_quantiles() -> None:
    for function in (torch.quantile, torch.nanquantile, torch.Tensor.quantile):
        assert torch.autograd.gradcheck(lambda x: function(x, 0.3, 1), leaf(X))  # noqa: B023
