"""Statistics against NumPy, and observed results of PyTorch 2.13 where it makes a choice."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc

NAN = float("nan")


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2)])
@pytest.mark.parametrize("correction", [0, 1, 2])
def test_variance(dim: object, correction: int) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 5)) + 100
    for name in ("var", "std"):
        got = getattr(lc, name)(lc.from_numpy(x), dim, correction=correction)
        expected = getattr(np, name)(x, axis=dim, ddof=correction)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9)


def test_spellings_of_the_correction() -> None:
    x = lc.tensor([1.0, 2.0, 3.0, 6.0])
    assert lc.var(x, False).item() == 3.5
    assert lc.var(x, 0, False).item() == 3.5
    assert lc.var(x, unbiased=True).item() == pytest.approx(14 / 3)
    assert math.isnan(lc.var(lc.tensor([1.0])).item())
    spread, mean = lc.var_mean(x, 0, correction=0)
    assert (spread.item(), mean.item()) == (3.5, 3.0)
    spread, mean = lc.std_mean(x, unbiased=False)
    assert spread.item() == pytest.approx(math.sqrt(3.5))


def test_variance_of_complex_numbers_is_real() -> None:
    z = np.array([1 + 1j, 2 - 1j, 3 + 0j])
    got = lc.var(lc.from_numpy(z))
    assert got.dtype is lc.float64
    assert got.item() == pytest.approx(np.var(z, ddof=1))


def test_variance_of_integers() -> None:
    with pytest.raises(RuntimeError, match="only support floating point and complex"):
        lc.var(lc.tensor([1, 2]))


def test_median_is_the_lower_one() -> None:
    # PyTorch 2.13: torch.tensor([3., 1, 2, 1]).median(0) is (1., 3).
    values, indices = lc.median(lc.tensor([3.0, 1.0, 2.0, 1.0]), 0)
    assert (values.item(), indices.item()) == (1.0, 3)
    assert lc.median(lc.tensor([4, 1, 3, 2])).item() == 2
    assert math.isnan(lc.median(lc.empty(0)).item())


def test_median_and_nan() -> None:
    x = lc.tensor([1.0, NAN, 2.0, NAN])
    values, indices = lc.median(x, 0)
    assert math.isnan(values.item())
    assert indices.item() == 1
    assert lc.nanmedian(x).item() == 1.0
    assert lc.nanmedian(lc.tensor([[NAN, 5.0, 7.0]]), 1).indices.tolist() == [1]


def test_mode() -> None:
    # PyTorch 2.13: torch.tensor([3, 1, 1, 3]).mode() is (1, 2).
    values, indices = lc.mode(lc.tensor([3, 1, 1, 3]))
    assert (values.item(), indices.item()) == (1, 2)


def test_kthvalue() -> None:
    x = lc.tensor([[9, 4, 7], [1, 8, 3]])
    values, indices = lc.kthvalue(x, 2)
    assert values.tolist() == [7, 3]
    assert indices.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="out of range"):
        lc.kthvalue(x, 4)


def test_bincount() -> None:
    x = lc.tensor([1, 3, 1])
    assert lc.bincount(x).tolist() == [0, 2, 0, 1]
    assert lc.bincount(x, minlength=6).shape == (6,)
    assert lc.bincount(x, lc.tensor([0.5, 1.0, 2.0])).tolist() == [0.0, 2.5, 0.0, 1.0]
    with pytest.raises(RuntimeError, match="non-negative"):
        lc.bincount(lc.tensor([-1]))


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64"])
def test_counts_of_many(kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (150_000, 2)).astype(kind)
    weights = rng.random((150_000, 2)).astype(np.float32)
    given, shares = lc.from_numpy(x)[:, 0], lc.from_numpy(weights)[:, 1]
    found = given.bincount(minlength=130)
    assert found.dtype is lc.int64
    np.testing.assert_array_equal(found.numpy(), np.bincount(x[:, 0], minlength=130))
    expected = np.bincount(x[:, 0], weights[:, 1])
    np.testing.assert_allclose(given.bincount(shares).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["var", "std"])
def test_no_degrees_of_freedom_give_nan_or_inf_with_a_warning(name, recwarn):
    # Divided by max(0, n - correction): 0 / 0, and 2 / 0 for [1, 3] with a correction of 2.
    function = getattr(lc, name)
    assert np.isnan(function(lc.tensor([5.0])).item())
    assert function(lc.tensor([1.0, 3.0]), correction=2).item() == np.inf
    assert function(lc.tensor([5.0]), correction=0).item() == 0
    texts = [str(each.message) for each in recwarn.list]
    assert len(texts) == 2
    assert all(text.startswith(f"{name}(): degrees of freedom is <= 0") for text in texts)


def test_bincount_to_many_bins() -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.integers(0, 90_000, 200_000).astype(np.int32), rng.random(200_000)
    np.testing.assert_array_equal(lc.bincount(lc.from_numpy(x)).numpy(), np.bincount(x))
    single = weights.astype(np.float32)
    got = lc.bincount(lc.from_numpy(x), lc.from_numpy(single)).numpy()
    np.testing.assert_allclose(got, np.bincount(x, single), rtol=1e-6)


def test_nothing_to_choose_from() -> None:
    # PyTorch's: NaN as the processor converts it.
    for dtype, expected in ((lc.int64, -(2**63)), (lc.int32, -(2**31)), (lc.int8, 0)):
        assert lc.tensor([], dtype=dtype).median().item() == expected
    with pytest.raises(IndexError, match="non-zero size"):
        lc.tensor([]).kthvalue(1)
