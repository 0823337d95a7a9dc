"""Loss kernels against their formulas, written out with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_nn.kernels import loss as kernels


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def by_definition(scores, target, weight, reduction, ignore_index, smoothing):
    """``sum_c -weight_c q_c log p_c`` with q the smoothed target, one element after the other."""
    classes = scores.shape[1]
    logs = log_softmax(scores, 1)
    weight = np.ones(classes) if weight is None else weight
    losses, total = np.zeros(target.shape), 0.0
    for at in np.ndindex(*target.shape):
        chosen = target[at]
        if chosen == ignore_index:
            continue
        q = np.full(classes, smoothing / classes)
        q[chosen] += 1 - smoothing
        losses[at] = -(weight * q * logs[(at[0], slice(None), *at[1:])]).sum()
        total += weight[chosen]
    if reduction == "none":
        return losses
    return losses.sum() / total if reduction == "mean" else losses.sum()


CASES = [(None, -100, 0.0), ("given", -100, 0.0), (None, 2, 0.0), ("given", 2, 0.3), (None, 1, 0.1)]


@pytest.mark.parametrize("places", [(), (4,), (2, 3)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("weight", "ignore_index", "smoothing"), CASES)
def test_cross_entropy(places, reduction, weight, ignore_index, smoothing):
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((6, 5, *places))
    target = rng.integers(0, 5, (6, *places))
    weight = None if weight is None else rng.random(5) + 0.1
    settings = (reduction, ignore_index, smoothing)
    loss, probabilities, total = kernels.cross_entropy_index(np, scores, target, weight, *settings)
    expected = by_definition(scores, target, weight, *settings)
    np.testing.assert_allclose(loss, expected, atol=1e-12)
    np.testing.assert_allclose(probabilities.sum(1), 1)

    grad = rng.standard_normal(np.shape(loss))
    back = kernels.cross_entropy_index_backward(
        np, np.asarray(grad), probabilities, target, weight, total, *settings
    )
    direction = rng.standard_normal(scores.shape)
    step = 1e-6
    ahead = by_definition(scores + step * direction, target, weight, *settings)
    behind = by_definition(scores - step * direction, target, weight, *settings)
    slope = (grad * (ahead - behind)).sum() / (2 * step)
    np.testing.assert_allclose((back * direction).sum(), slope, rtol=1e-6, atol=1e-8)


def test_large_scores_do_not_overflow():
    scores = np.array([[1000.0, 0.0], [-1000.0, 1000.0]])
    loss, _, _ = kernels.cross_entropy_index(np, scores, np.array([1, 1]), None, "none", -100, 0.0)
    np.testing.assert_array_equal(loss, [1000.0, 0.0])


def test_targets_out_of_range():
    scores = np.zeros((2, 3))
    for wrong in (3, -1):
        with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds.*3 classes"):
            kernels.cross_entropy_index(np, scores, np.array([0, wrong]), None, "mean", -100, 0.0)
        with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds"):
            kernels.nll_loss_index(np, scores, np.array([0, wrong]), None, "mean", -100)


def test_nll_is_the_chosen_score_and_its_gradient_the_weight():
    scores = np.arange(6.0).reshape(2, 3)
    weight = np.array([1.0, 2.0, 4.0])
    loss, total = kernels.nll_loss_index(np, scores, np.array([2, 1]), weight, "mean", -100)
    assert loss == -(4 * 2 + 2 * 4) / 6
    assert total == 6
    back = kernels.nll_loss_index_backward(
        np, np.asarray(3.0), np.array([2, 1]), weight, total, (2, 3), "mean", -100
    )
    np.testing.assert_allclose(back, [[0, 0, -2], [0, -1, 0]])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(3, 4, 9000), (2, 3, 70, 300), (9000, 3, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_of_many_places(shape, reduction, weighted):
    random = np.random.default_rng(0)
    scores, classes = random.standard_normal(shape), shape[1]
    target = random.integers(0, classes, (shape[0], *shape[2:]))
    target[0, 5:50] = -100
    weight = random.random(classes) if weighted else None
    of_each = (np.ones(classes) if weight is None else weight)[np.maximum(target, 0)]
    of_each = np.where(target < 0, 0, of_each)
    at = np.maximum(target, 0)[:, None]
    losses = -np.take_along_axis(scores, at, 1)[:, 0] * of_each
    share = {"none": 1, "sum": 1, "mean": 1 / of_each.sum()}[reduction]
    given = random.standard_normal(losses.shape) if reduction == "none" else np.array(2.0)
    loss, total = kernels.nll_loss_index(np, scores, target, weight, reduction, -100)
    np.testing.assert_allclose(loss, losses if reduction == "none" else losses.sum() * share)
    np.testing.assert_allclose(total, of_each.sum())
    found = kernels.nll_loss_index_backward(
        np, given, target, weight, total, shape, reduction, -100
    )
    expected = np.zeros(shape)
    np.put_along_axis(expected, at, (-given * of_each * share)[:, None], 1)
    np.testing.assert_allclose(found, expected, atol=1e-15)
