"""Covariances and correlations against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal.covariance import corrcoef, cov

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("correction", [0, 1, 2])
@pytest.mark.parametrize("shape", [(3, 6), (6,)])
def test_cov(correction: int, shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)
    counts = np.array([1, 2, 3, 1, 1, 2])
    importance = RNG.random(6)
    for frequencies, weights in ((None, None), (counts, None), (None, importance),
                                 (counts, importance)):  # fmt: skip
        got = cov(
            lc.from_numpy(x),
            correction=correction,
            fweights=None if frequencies is None else lc.from_numpy(frequencies),
            aweights=None if weights is None else lc.from_numpy(weights),
        )
        expected = np.cov(x, ddof=correction, fweights=frequencies, aweights=weights)
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_corrcoef() -> None:
    x = RNG.standard_normal((3, 6))
    np.testing.assert_allclose(lc.from_numpy(x).corrcoef().numpy(), np.corrcoef(x))
    assert corrcoef(lc.from_numpy(x[0])).item() == 1.0
    assert cov(lc.tensor([1, 2, 3, 4])).item() == pytest.approx(5 / 3)


def test_too_few_observations() -> None:
    for count in (0, 1):
        with pytest.warns(UserWarning, match="degrees of freedom"):
            cov(lc.ones(2, count))


@pytest.mark.parametrize(
    ("input", "weights"),
    [
        (lc.ones(2, 2, 2), {}),
        (lc.ones(2, 2, dtype=lc.bool), {}),
        (lc.ones(2, 2), {"fweights": lc.ones(2)}),
        (lc.ones(2, 2), {"fweights": lc.ones(3, dtype=lc.int64)}),
        (lc.ones(2, 2), {"aweights": lc.ones(2, dtype=lc.int64)}),
        (lc.ones(2, 2), {"aweights": -lc.ones(2)}),
        (lc.ones(2, 2), {"aweights": lc.ones(2, 1)}),
    ],
)
def test_wrong_operands(input: lc.Tensor, weights: dict[str, lc.Tensor]) -> None:
    with pytest.raises(RuntimeError):
        cov(input, **weights)
