"""Random numbers in a batch: the numbers of one call, or the same for all."""

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.func import vmap
from lamella_core.ops.random import dropout_noise

ZEROS = core.zeros(3, 2)


def test_different_numbers_are_those_of_one_call() -> None:
    for make, whole in (
        (lambda a: core.randn(2), lambda: core.randn(3, 2)),
        (lambda a: core.rand_like(a), lambda: core.rand(3, 2)),
        (lambda a: core.zeros_like(a).normal_(), lambda: core.randn(3, 2)),
        (lambda a: core.bernoulli(a + 0.5), lambda: core.bernoulli(ZEROS + 0.5)),
    ):
        core.manual_seed(1)
        found = vmap(make, randomness="different")(ZEROS)
        core.manual_seed(1)
        assert np.array_equal(found.numpy(), whole().numpy())


def test_same_numbers() -> None:
    for make in (lambda a: core.randn(2), lambda a: core.randn_like(a)):
        core.manual_seed(1)
        found = vmap(make, randomness="same")(ZEROS)
        core.manual_seed(1)
        one = core.randn(2).numpy()
        assert np.array_equal(found.numpy(), np.stack([one] * 3))


def test_permutations() -> None:
    found = vmap(lambda a: core.randperm(5), randomness="different")(ZEROS)
    assert np.array_equal(np.sort(found.numpy(), 1), np.tile(np.arange(5), (3, 1)))


def test_dropout_with_the_same_mask() -> None:
    found = vmap(lambda a: dropout_noise(a, 0.5, None)[0], randomness="same")(core.ones(3, 100))
    assert np.array_equal(found[0].numpy(), found[1].numpy())
    assert set(found[0].tolist()) == {0.0, 2.0}


def test_errors() -> None:
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda a: a + core.randn(2))(ZEROS)
    with pytest.raises(RuntimeError, match="same"):
        vmap(lambda a: core.bernoulli(a), randomness="same")(ZEROS)
    with pytest.raises(RuntimeError, match="not batched"):
        vmap(lambda a: core.zeros(2).normal_() + a, randomness="different")(ZEROS)
