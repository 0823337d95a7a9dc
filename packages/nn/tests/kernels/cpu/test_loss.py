"""Cross entropy by blocks of rows against the definition in double precision."""

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_nn import functional
from lamella_nn.kernels.cpu.loss import cross_entropy_index, cross_entropy_index_backward

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


def test_only_the_probabilities_are_as_large_as_the_scores(peak):
    x, target = core.ones(1000, 2000), core.zeros(1000, dtype=core.int64)
    functional.cross_entropy(x, target)
    with peak:
        functional.cross_entropy(x, target)
    assert peak.most < 1.15 * x.nbytes


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"ignore_index": 3}])
@pytest.mark.parametrize("last", [False, True])
def test_only_the_probabilities_of_images_are_as_large_as_the_scores(
    peak: Any, options: Any, last: bool
) -> None:
    x = core.ones(4, 8, 250, 250)
    if last:
        x = x.to(memory_format=core.channels_last)
    target = core.zeros(4, 250, 250, dtype=core.int64)
    target[0] = 3
    functional.cross_entropy(x, target, **options)
    with peak:
        loss = functional.cross_entropy(x, target, **options)
    assert peak.most < x.nbytes + 1e6
    assert loss.item() == pytest.approx(np.log(8), rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("batch", [1, 4])
def test_gradients_of_half_precision_go_in_parts(peak: Any, batch: int, reduction: str) -> None:
    places = 250_000 // batch
    probabilities = np.full((batch, 8, places), 0.125, np.float16)
    target = np.arange(batch * places).reshape(batch, places) % 8
    grad = np.ones((batch, places) if reduction == "none" else (), np.float16)
    rest = probabilities, target, None, np.float32(1), reduction, -100, 0.0
    cross_entropy_index_backward(grad, *rest)
    with peak:
        result = cross_entropy_index_backward(grad, *rest)
    # Widened as a whole, the scores alone would be 8 MB; of each target the factor stays.
    assert peak.most < result.nbytes + 2.5e6
    hit = target[:, None] == np.arange(8)[:, None]
    np.testing.assert_array_equal(result, np.where(hit, -0.875, 0.125))


def _reference(scores: Any, target: Any, weight: Any, smoothing: float, ignored: int) -> Any:
    """Losses and the weights of targets, of ``(batch, classes, places)`` scores."""
    logarithms = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    counts = target != ignored
    place = np.where(counts, target, 0)
    weights = weight[place] * counts
    picked = np.take_along_axis(logarithms, place[:, None], 1)[:, 0]
    even = (logarithms * weight[:, None]).sum(1) * counts / len(weight)
    return -(1 - smoothing) * picked * weights - smoothing * even, weights


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(2, 5, 7), (600, 300, 1), (3, 4, 40000)])
def test_parts_of_scores(shape: Any, smoothing: float, dtype: Any) -> None:
    random = np.random.default_rng(5)
    scores = random.standard_normal(shape).astype(dtype)
    target = random.integers(0, shape[1], (shape[0], shape[2]))
    target[0, 0] = -100
    weight = (random.random(shape[1]) + 0.5).astype(dtype)
    losses, weights = _reference(
        scores.astype(float), target, weight.astype(float), smoothing, -100
    )
    rest = "mean", -100, smoothing
    loss, probabilities, total = cross_entropy_index(scores, target, weight, *rest)
    rough = 2e-3 if dtype is np.float16 else 2e-5
    assert loss.dtype == probabilities.dtype == dtype
    np.testing.assert_allclose(loss, losses.sum() / weights.sum(), rtol=rough)
    np.testing.assert_allclose(total, weights.sum(), rtol=1e-5)
    slope = cross_entropy_index_backward(
        np.ones((), dtype), probabilities, target, weight, total, *rest
    )
    assert slope.dtype == dtype
    # A score's gradient by the difference of the losses, in double precision.
    for place in ((0, 0, shape[2] - 1), (1, 3, 0)):
        moved = scores.astype(float)
        moved[place] += 1e-4
        after, _ = _reference(moved, target, weight.astype(float), smoothing, -100)
        change = (after - losses).sum() / weights.sum() / 1e-4
        np.testing.assert_allclose(slope[place], change, rtol=20 * rough, atol=2e-7)
