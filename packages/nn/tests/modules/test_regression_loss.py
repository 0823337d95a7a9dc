"""Likelihoods as losses, against their formulas in NumPy.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.PoissonNLLLoss(), "PoissonNLLLoss()"),
        (nn.PoissonNLLLoss(False, True, eps=1e-5, reduction="sum"), "PoissonNLLLoss()"),
        (nn.GaussianNLLLoss(), "GaussianNLLLoss()"),
        (nn.GaussianNLLLoss(full=True, eps=1e-4, reduction="none"), "GaussianNLLLoss()"),
        (nn.KLDivLoss(), "KLDivLoss()"),
        (nn.KLDivLoss(reduction="batchmean", log_target=True), "KLDivLoss()"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


RANDOM = np.random.default_rng(0)
X, Y = RANDOM.standard_normal((4, 3)), RANDOM.uniform(0.1, 3.0, (4, 3))


def t(value):
    return lc.from_numpy(np.asarray(value))


def test_poisson():
    close(nn.PoissonNLLLoss()(t(X), t(Y)), (np.exp(X) - Y * X).mean())
    rates = np.abs(X)
    stirling = np.where(Y > 1, Y * np.log(Y) - Y + 0.5 * np.log(2 * np.pi * Y), 0)
    expected = rates - Y * np.log(rates + 1e-8) + stirling
    close(nn.PoissonNLLLoss(False, True, reduction="none")(t(rates), t(Y)), expected)


def test_gaussian():
    expected = 0.5 * (np.log(Y) + (X - 1) ** 2 / Y)
    close(nn.GaussianNLLLoss(reduction="sum")(t(X), t(np.ones((4, 3))), t(Y)), expected.sum())
    full = nn.GaussianNLLLoss(full=True)(t(X), t(np.ones((4, 3))), t(Y))
    close(full, expected.mean() + 0.5 * np.log(2 * np.pi))
    with pytest.raises(ValueError, match="negative"):
        nn.GaussianNLLLoss()(t(X), t(X), t(-Y))


def test_divergence():
    expected = Y * (np.log(Y) - X)
    close(nn.KLDivLoss(reduction="none")(t(X), t(Y)), expected)
    close(nn.KLDivLoss(reduction="batchmean")(t(X), t(Y)), expected.sum() / 4)
    close(nn.KLDivLoss(reduction="sum", log_target=True)(t(X), t(np.log(Y))), expected.sum())
