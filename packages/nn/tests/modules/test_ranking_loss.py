"""Losses with a margin, against their formulas in NumPy.

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
        (nn.MarginRankingLoss(), "MarginRankingLoss()"),
        (nn.MarginRankingLoss(1.5, reduction="sum"), "MarginRankingLoss()"),
        (nn.HingeEmbeddingLoss(), "HingeEmbeddingLoss()"),
        (nn.HingeEmbeddingLoss(2), "HingeEmbeddingLoss()"),
        (nn.MultiLabelMarginLoss(), "MultiLabelMarginLoss()"),
        (nn.SoftMarginLoss(), "SoftMarginLoss()"),
        (nn.MultiLabelSoftMarginLoss(), "MultiLabelSoftMarginLoss()"),
        (nn.CosineEmbeddingLoss(), "CosineEmbeddingLoss()"),
        (nn.CosineEmbeddingLoss(0.5), "CosineEmbeddingLoss()"),
        (nn.MultiMarginLoss(), "MultiMarginLoss()"),
        (nn.MultiMarginLoss(2, 0.5), "MultiMarginLoss()"),
        (nn.TripletMarginLoss(), "TripletMarginLoss()"),
        (nn.TripletMarginLoss(2, 1, 1e-5, True), "TripletMarginLoss()"),
        (
            nn.TripletMarginWithDistanceLoss(),
            "TripletMarginWithDistanceLoss(\n  (distance_function): PairwiseDistance()\n)",
        ),
        (
            nn.TripletMarginWithDistanceLoss(margin=2.0, swap=True),
            "TripletMarginWithDistanceLoss(\n  (distance_function): PairwiseDistance()\n)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


RANDOM = np.random.default_rng(0)
A, P, N = RANDOM.standard_normal((3, 5, 4))
SIGN = np.array([1.0, -1.0, 1.0, 1.0, -1.0])


def t(value):
    return lc.from_numpy(np.asarray(value))


def positive(x):
    return np.maximum(x, 0)


def test_two_inputs():
    expected = positive(-SIGN * (A[:, 0] - P[:, 0]) + 0.5).mean()
    close(nn.MarginRankingLoss(0.5)(t(A[:, 0]), t(P[:, 0]), t(SIGN)), expected)
    cosine = (A * P).sum(1) / np.linalg.norm(A, axis=1) / np.linalg.norm(P, axis=1)
    expected = np.where(SIGN > 0, 1 - cosine, positive(cosine - 0.1)).sum()
    close(nn.CosineEmbeddingLoss(0.1, reduction="sum")(t(A), t(P), t(SIGN)), expected)


def test_signs_as_targets():
    x = A[:, 0]
    close(nn.HingeEmbeddingLoss(2)(t(x), t(SIGN)), np.where(SIGN > 0, x, positive(2 - x)).mean())
    close(nn.SoftMarginLoss()(t(x), t(SIGN)), np.log1p(np.exp(-SIGN * x)).mean())


def test_classes_as_targets():
    y = np.array([0, 3, 1, 1, 2])
    weight = np.array([1.0, 2.0, 0.5, 1.5])
    lead = positive(0.5 - A[np.arange(5), y][:, None] + A) ** 2
    lead[np.arange(5), y] = 0
    expected = weight[y] * lead.sum(1) / 4
    loss = nn.MultiMarginLoss(2, 0.5, weight=t(weight), reduction="none")
    close(loss(t(A), t(y)), expected)
    labels = np.array([2, 0, -1, 1])
    expected = sum(positive(1 - (A[0, j] - A[0, i])) for j in (2, 0) for i in (1, 3)) / 4
    close(nn.MultiLabelMarginLoss()(t(A[0]), t(labels)), expected)


def test_probabilities_of_labels():
    labels = (P > 0).astype(float)
    weight = np.array([1.0, 2.0, 0.5, 1.5])
    chance = 1 / (1 + np.exp(-A))
    terms = labels * np.log(chance) + (1 - labels) * np.log(1 - chance)
    loss = nn.MultiLabelSoftMarginLoss(t(weight))
    close(loss(t(A), t(labels)), -(weight * terms).mean())
    assert list(loss.state_dict()) == ["weight"]


@pytest.mark.parametrize("swap", [False, True])
def test_triplets(swap):
    def distance(x, y):
        return np.sqrt(((x - y + 1e-6) ** 2).sum(1))

    far = np.minimum(distance(A, N), distance(P, N)) if swap else distance(A, N)
    expected = positive(distance(A, P) - far + 2).mean()
    close(nn.TripletMarginLoss(2.0, swap=swap)(t(A), t(P), t(N)), expected)
    loss = nn.TripletMarginWithDistanceLoss(margin=2.0, swap=swap)
    close(loss(t(A), t(P), t(N)), expected)


def test_any_distance():
    loss = nn.TripletMarginWithDistanceLoss(
        distance_function=lambda x, y: (x - y).abs().sum(-1), reduction="none"
    )
    expected = positive(np.abs(A - P).sum(1) - np.abs(A - N).sum(1) + 1)
    close(loss(t(A), t(P), t(N)), expected)
    assert list(loss.children()) == []


def test_bad_options():
    with pytest.raises(ValueError, match="only p == 1 and p == 2 supported"):
        nn.MultiMarginLoss(3)
    with pytest.raises(ValueError, match="expected weight to be None or 1D tensor, got 2D"):
        nn.MultiMarginLoss(weight=lc.ones(2, 2))
    with pytest.raises(ValueError, match="TripletMarginLoss: expected margin to be greater than 0"):
        nn.TripletMarginLoss(0)
    with pytest.raises(ValueError, match="expected margin to be greater than 0, got -1"):
        nn.TripletMarginWithDistanceLoss(margin=-1)
