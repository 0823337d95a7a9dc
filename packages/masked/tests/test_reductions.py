"""Masked reductions against NumPy's of the selected elements."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
import lamella_masked as masked

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6))
MASK = RNG.random((4, 6)) < 0.6
MASK[0, :3] = True
MASK[1] = False
TX, TMASK = lc.from_numpy(X), lc.from_numpy(MASK)
NAN, INFINITY = float("nan"), float("inf")

REFERENCES = {
    "sum": (np.sum, 0.0),
    "prod": (np.prod, 1.0),
    "amax": (np.max, -INFINITY),
    "amin": (np.min, INFINITY),
    "mean": (np.mean, NAN),
    "norm": (np.linalg.norm, 0.0),
    "var": (lambda row: np.var(row, ddof=1), NAN),
    "std": (lambda row: np.std(row, ddof=1), NAN),
    "logsumexp": (lambda row: math.log(np.exp(row).sum()), -INFINITY),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_rows(name: str) -> None:
    function, of_nothing = REFERENCES[name]
    expected = [function(x[m]) if m.sum() > 1 else of_nothing for x, m in zip(X, MASK, strict=True)]
    got = getattr(masked, name)(TX, dim=1, mask=TMASK)
    np.testing.assert_allclose(got.numpy(), expected)
    kept = getattr(masked, name)(TX, dim=(1,), keepdim=True, mask=TMASK)
    assert kept.shape == (4, 1)


@pytest.mark.parametrize("name", REFERENCES)
def test_all_elements(name: str) -> None:
    function, _ = REFERENCES[name]
    got = getattr(masked, name)(TX, mask=TMASK)
    np.testing.assert_allclose(got.numpy(), function(X[MASK]))
    got = getattr(masked, name)(TX)
    np.testing.assert_allclose(got.numpy(), function(X.ravel()))


def test_indices_are_of_the_inputs_type() -> None:
    # PyTorch 2.13 gives float32 for float32.
    x = lc.tensor([[1.0, 5.0, 3.0]])
    mask = lc.tensor([True, False, True])
    assert masked.argmax(x, 1, mask=mask).tolist() == [2.0]
    assert masked.argmax(x, mask=mask).dtype is lc.float32
    assert masked.argmin(x, 1, mask=~mask).tolist() == [1.0]


def test_median() -> None:
    shown = [0, 2, 3]
    got = masked.median(TX[shown], 1, mask=TMASK[shown])
    expected = [np.sort(X[i][MASK[i]])[(MASK[i].sum() - 1) // 2] for i in shown]
    np.testing.assert_array_equal(got.numpy(), expected)
    assert math.isnan(masked.median(TX, 1, mask=TMASK)[1].item())
    assert masked.median(lc.tensor([3, 1, 2]), mask=lc.tensor([True, False, True])).item() == 2
    with pytest.raises(ValueError, match="fully masked"):
        masked.median(lc.tensor([3, 1]), mask=lc.tensor([False, False]))


def test_integers() -> None:
    x = lc.tensor([[1, 2], [3, 4]], dtype=lc.int32)
    mask = lc.tensor([[True, False], [False, False]])
    assert masked.sum(x, 1, mask=mask).dtype is lc.int64
    assert masked.prod(x, 1, mask=mask).tolist() == [1, 1]
    assert masked.amax(x, 1, mask=mask).tolist() == [1, -(2**31)]
    assert masked.amin(x, 1, mask=mask).tolist() == [1, 2**31 - 1]
    with pytest.raises(ValueError, match="floating point"):
        masked.mean(x, 1, mask=mask)
    assert masked.mean(x, 1, dtype=lc.float64, mask=lc.tensor([True, True])).tolist() == [1.5, 3.5]


def test_orders_of_the_norm() -> None:
    sizes = np.where(MASK, np.abs(X), np.nan)[[0, 2, 3]]
    x, mask = TX[[0, 2, 3]], TMASK[[0, 2, 3]]
    for order, expected in (
        (INFINITY, np.nanmax(sizes, 1)),
        (-INFINITY, np.nanmin(sizes, 1)),
        (1, np.nansum(sizes, 1)),
        (0, MASK[[0, 2, 3]].sum(1)),
    ):
        got = masked.norm(x, order, 1, mask=mask)
        np.testing.assert_allclose(got.numpy(), expected)


def test_corrections() -> None:
    for correction in (0, 1, 2):
        got = masked.var(TX, 0, correction=correction, mask=lc.tensor(True))
        np.testing.assert_allclose(got.numpy(), X.var(0, ddof=correction))
    with pytest.raises(AssertionError):
        masked.var(TX, 0, True, correction=1)


def test_refused_arguments() -> None:
    with pytest.raises(IndexError):
        masked.sum(TX, mask=TMASK[None])
    with pytest.raises(RuntimeError):
        masked.sum(TX, mask=lc.tensor([True, False]))
    with pytest.raises(IndexError):
        masked.sum(TX, 2)
    with pytest.raises(NotImplementedError):
        masked.amax(TMASK, 1, mask=TMASK)
    with pytest.raises(TypeError):
        masked.amax(TX.to(lc.complex128), 1, mask=TMASK)
    with pytest.raises(RuntimeError):
        masked.norm(lc.tensor([1, 2]), 2, 0, mask=lc.tensor([True, False]))
