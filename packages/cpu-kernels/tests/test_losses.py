from __future__ import annotations

import numpy as np
import pytest

from lamella_cpu_kernels import _native

RANDOM = np.random.default_rng(0)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("mean", [False, True])
def test_cross_entropy(kind, mean) -> None:
    scores = (RANDOM.standard_normal((7, 5)) * 10).astype(kind)
    target = RANDOM.integers(0, 5, 7)
    probabilities, loss = np.empty_like(scores), np.empty((), kind)
    assert _native.cross_entropy(scores, target, probabilities, loss, -100, mean)
    logarithms = log_softmax(scores.astype(np.float64))
    losses = -logarithms[np.arange(7), target]
    rtol = 1e-5 if kind == "float32" else 1e-12
    np.testing.assert_allclose(loss, losses.mean() if mean else losses.sum(), rtol=rtol)
    np.testing.assert_allclose(probabilities, np.exp(logarithms), rtol=10 * rtol, atol=1e-7)

    result = np.empty_like(scores)
    assert _native.cross_entropy_backward(probabilities, target, result, 0.5)
    hit = np.zeros_like(scores)
    hit[np.arange(7), target] = 1
    np.testing.assert_allclose(result, 0.5 * (probabilities - hit), rtol=rtol)


def test_scores_beyond_the_range_of_exp() -> None:
    scores = np.array([[1e4, -1e4], [-1e30, -1e30]], np.float32)
    probabilities, loss = np.empty_like(scores), np.empty((), np.float32)
    assert _native.cross_entropy(scores, np.array([0, 1]), probabilities, loss, -100, True)
    np.testing.assert_allclose(loss, np.log(2) / 2, rtol=1e-6)


def test_nan_is_not_lost() -> None:
    scores = np.array([[1.0, np.nan, 2.0]])
    probabilities, loss = np.empty_like(scores), np.empty(())
    assert _native.cross_entropy(scores, np.array([0]), probabilities, loss, -100, True)
    assert np.isnan(loss)
    assert np.isnan(probabilities).all()


@pytest.mark.parametrize(
    ("scores", "target", "ignored"),
    [
        (np.ones((2, 3)), np.array([0, 3]), -100),
        (np.ones((2, 3)), np.array([0, -1]), -100),
        (np.ones((2, 3)), np.array([0, 1]), 1),
        (np.ones((2, 3)), np.array([0, 1, 2]), -100),
        (np.ones((2, 3)), np.array([0, 1], np.int32), -100),
        (np.ones((2, 3), np.float16), np.array([0, 1]), -100),
        (np.ones((2, 6))[:, ::2], np.array([0, 1]), -100),
        (np.ones((0, 3)), np.array([], np.int64), -100),
        (np.ones(3), np.array([1]), -100),
    ],
)
def test_what_it_leaves_to_the_kernel_below(scores, target, ignored) -> None:
    probabilities, loss = np.empty(scores.shape, scores.dtype), np.empty((), scores.dtype)
    assert not _native.cross_entropy(scores, target, probabilities, loss, ignored, True)


def test_targets_are_checked_on_the_way_back() -> None:
    probabilities, result = np.full((1, 3), 1 / 3), np.empty((1, 3))
    assert not _native.cross_entropy_backward(probabilities, np.array([3]), result, 1.0)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_threshold_backward(kind) -> None:
    grad = RANDOM.standard_normal((9, 31)).astype(kind)
    input = RANDOM.standard_normal((9, 31)).astype(kind)
    input[0, :3] = [0, -0.0, np.nan]
    grad[1, 0], input[1, 0] = np.inf, -1
    result = np.empty_like(grad)
    assert _native.threshold_backward(grad, input, 0.0, result)
    np.testing.assert_array_equal(result, np.where(input <= 0, 0, grad))
    assert not _native.threshold_backward(grad, input.T, 0.0, result)
