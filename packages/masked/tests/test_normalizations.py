"""Masked ops with a result of the input's shape, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
import lamella_masked as masked

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6))
MASK = RNG.random((4, 6)) < 0.6
MASK[:, 0] = True
TX, TMASK = lc.from_numpy(X), lc.from_numpy(MASK)


@pytest.mark.parametrize("dim", [0, 1])
def test_running_sums_and_products(dim: int) -> None:
    got = masked.cumsum(TX, dim, mask=TMASK)
    np.testing.assert_allclose(got.numpy(), np.cumsum(np.where(MASK, X, 0), dim))
    got = masked.cumprod(TX, dim, mask=TMASK)
    np.testing.assert_allclose(got.numpy(), np.cumprod(np.where(MASK, X, 1), dim))


def test_softmax() -> None:
    weights = np.where(MASK, np.exp(X), 0)
    expected = weights / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(masked.softmax(TX, 1, mask=TMASK).numpy(), expected)
    np.testing.assert_allclose(masked.softmin(-TX, 1, mask=TMASK).numpy(), expected)
    got = masked.log_softmax(TX, 1, mask=TMASK).exp()
    np.testing.assert_allclose(got.numpy(), expected)
    nothing = masked.softmax(TX, 1, mask=lc.tensor(False))
    assert nothing.isnan().all()


def test_normalize() -> None:
    shown = np.where(MASK, X, 0)
    expected = shown / np.linalg.norm(shown, axis=1, keepdims=True)
    np.testing.assert_allclose(masked.normalize(TX, 2.0, 1, mask=TMASK).numpy(), expected)
    assert masked.normalize(TX, 2.0, 1, mask=lc.tensor(False)).tolist() == [[0.0] * 6] * 4


def test_logaddexp() -> None:
    got = masked.logaddexp(TX, TX + 1, input_mask=TMASK, other_mask=~TMASK)
    np.testing.assert_allclose(got.numpy(), np.where(MASK, X, X + 1))
    np.testing.assert_allclose(masked.logaddexp(TX, TX).numpy(), X + np.log(2))


def test_running_sums_keep_the_type() -> None:
    # PyTorch 2.13: torch.masked.cumsum of int32 is int32, of bool an error.
    assert masked.cumsum(lc.ones(3, dtype=lc.int32), 0).dtype is lc.int32
    with pytest.raises(NotImplementedError):
        masked.cumsum(lc.tensor([True]), 0)
