"""Singular values of low-rank matrices, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_sparse import pca_lowrank, svd_lowrank

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def adjoint(a: np.ndarray) -> np.ndarray:
    return a.conj().swapaxes(-1, -2)


@pytest.mark.parametrize("shape", [(20, 10), (10, 20), (2, 12, 12)])
def test_low_rank(shape: tuple[int, ...]) -> None:
    a = numbers(*shape[:-1], 3) @ numbers(*shape[:-2], 3, shape[-1])
    u, s, v = (t.numpy() for t in svd_lowrank(lc.from_numpy(a), q=4))
    np.testing.assert_allclose((u * s[..., None, :]) @ adjoint(v), a, atol=1e-10)
    np.testing.assert_allclose(s[..., :3], np.linalg.svd(a, compute_uv=False)[..., :3], rtol=1e-10)
    centred = a - a.mean(-2, keepdims=True)
    u, s, v = (t.numpy() for t in pca_lowrank(lc.from_numpy(a), q=4))
    np.testing.assert_allclose((u * s[..., None, :]) @ adjoint(v), centred, atol=1e-10)
    with pytest.raises(ValueError, match="q"):
        pca_lowrank(lc.from_numpy(a), q=40)
