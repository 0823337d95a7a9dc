"""The distance modules, against NumPy."""

import numpy as np

from lamella_core import from_numpy
from lamella_nn import CosineSimilarity, PairwiseDistance

LEFT, RIGHT = np.random.default_rng(0).standard_normal((2, 5, 4))


def test_pairwise_distance() -> None:
    found = PairwiseDistance(p=3.0, keepdim=True)(from_numpy(LEFT), from_numpy(RIGHT))
    expected = (np.abs(LEFT - RIGHT + 1e-6) ** 3).sum(-1, keepdims=True) ** (1 / 3)
    np.testing.assert_allclose(found.numpy(), expected)


def test_cosine_similarity() -> None:
    found = CosineSimilarity(dim=0)(from_numpy(LEFT), from_numpy(RIGHT))
    expected = (LEFT * RIGHT).sum(0) / np.linalg.norm(LEFT, axis=0) / np.linalg.norm(RIGHT, axis=0)
    np.testing.assert_allclose(found.numpy(), expected)


def test_repr_is_pytorchs() -> None:
    assert repr(PairwiseDistance()) == "PairwiseDistance()"
    assert repr(CosineSimilarity()) == "CosineSimilarity()"
