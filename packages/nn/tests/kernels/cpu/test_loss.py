"""Cross entropy by blocks of rows against the definition in double precision."""

import tracemalloc

import numpy as np
import pytest

import lamella_core as core
from lamella_nn import functional

ROWS, CLASSES = 1001, 263  # more than one block, and no multiple of one


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_and_gradient(reduction, turned):
    rng = np.random.default_rng(0)
    scores = (5 * rng.standard_normal((ROWS, CLASSES))).astype(np.float32)
    target = rng.integers(0, CLASSES, ROWS)
    exponents = np.exp(scores.astype(float))
    sums = exponents.sum(1, keepdims=True)
    losses = np.log(sums[:, 0]) - scores[np.arange(ROWS), target]
    slopes = exponents / sums - (np.arange(CLASSES) == target[:, None])
    if reduction == "mean":
        losses, slopes = losses.mean(), slopes / ROWS
    elif reduction == "sum":
        losses = losses.sum()
    x = core.from_numpy(scores.T.copy()).t() if turned else core.from_numpy(scores)
    x = x.detach().requires_grad_()
    loss = functional.cross_entropy(x, core.from_numpy(target), reduction=reduction)
    np.testing.assert_allclose(loss.detach().numpy(), losses, rtol=1e-5, atol=2e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-5, atol=1e-6)


def test_a_target_that_is_no_class():
    with pytest.raises(IndexError, match="263 is out of bounds"):
        functional.cross_entropy(core.ones(ROWS, CLASSES), core.full((ROWS,), CLASSES))


def test_only_the_probabilities_are_as_large_as_the_scores():
    x, target = core.ones(1000, 2000), core.zeros(1000, dtype=core.int64)
    functional.cross_entropy(x, target)
    tracemalloc.start()
    functional.cross_entropy(x, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.15 * x.nbytes
