"""Norms of the top level, held to NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import lamella as torch

A = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
X = torch.from_numpy(A)


def close(result: torch.Tensor, wanted: np.ndarray) -> None:
    assert tuple(result.shape) == np.shape(wanted)
    np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-5)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("dim", [0, 1, 2, -2])
def test_all_dimensions_but_one(p: int, dim: int) -> None:
    others = tuple(d for d in range(3) if d != dim % 3)
    wanted = (np.abs(A) ** p).sum(others, keepdims=True) ** (1 / p)
    close(torch.norm_except_dim(X, p, dim), wanted)


def test_minus_one_is_no_dimension() -> None:
    close(torch.norm_except_dim(X, 2, -1), np.sqrt((A**2).sum()))
    with pytest.raises(IndexError):
        torch.norm_except_dim(X, 2, 3)
    with pytest.raises(IndexError, match="without dimensions"):
        torch.norm_except_dim(torch.tensor(3.0))


def test_frobenius() -> None:
    close(torch.frobenius_norm(X, (0, 2), True), np.sqrt((A**2).sum((0, 2), keepdims=True)))
    close(torch.frobenius_norm(X, 1), np.sqrt((A**2).sum(1)))
    close(torch.frobenius_norm(X, ()), np.sqrt((A**2).sum()))
    out = torch.empty(0)
    assert torch.frobenius_norm(X[0], (0, 1), out=out) is out
    close(out, np.linalg.norm(A[0]))
    with pytest.raises(RuntimeError, match="at most 2 dimensions, but got 3"):
        torch.frobenius_norm(X, (0, 1, 2))


def test_nuclear() -> None:
    wanted = np.linalg.svd(A, compute_uv=False).sum(-1)
    close(torch.nuclear_norm(X), wanted)
    close(torch.nuclear_norm(X, True), wanted[:, None, None])
    turned = torch.from_numpy(A.transpose(1, 0, 2).copy())
    close(torch.nuclear_norm(turned, (0, 2)), wanted)
    with pytest.raises(RuntimeError):
        torch.nuclear_norm(X, (0,))
