"""Which calls the native kernels serve, and that the others reach the kernel below."""

from __future__ import annotations

import numpy as np

import lamella_core as core
from lamella_core.dispatch import backends, kernel_of
from lamella_cpu_kernels import overrides


def test_overrides_are_registered_before_their_ops_are_declared() -> None:
    registered = backends["cpu"].overrides
    for name in ("sgd_momentum_step", "adam_step", "cross_entropy_index", "threshold_backward"):
        assert registered[name] is getattr(overrides, name)


def test_the_cores_op_takes_the_native_kernel() -> None:
    calls = []

    def below(grad, input, threshold):
        calls.append(grad.dtype)
        return np.where(input <= threshold, 0, grad)

    kernel = overrides.threshold_backward(below)
    grad, input = np.ones((2, 3), np.float32), np.array([[1, -1, 0], [2, 3, -4]], np.float32)
    expected = [[1, 0, 0], [1, 1, 0]]
    assert kernel(grad, input, 0.0).tolist() == expected
    assert calls == []
    assert kernel(grad.astype(np.float16), input.astype(np.float16), 0.0).tolist() == expected
    assert kernel(grad, input[:1], 0.0).shape == (2, 3)
    assert calls == [np.float16, np.float32]
    assert kernel_of("threshold_backward", backends["cpu"]) is not None
    out = core.relu(core.tensor(input))
    assert out.tolist() == [[1, 0, 0], [2, 3, 0]]


def test_large_scores_and_weights_reach_the_kernel_below() -> None:
    kernel = overrides.cross_entropy_index(lambda *args: "below")
    small, target = np.ones((2, 3)), np.array([0, 1])
    loss, probabilities, total = kernel(small, target, None, "mean", -100, 0.0)
    np.testing.assert_allclose(loss, np.log(3))
    np.testing.assert_allclose(probabilities, 1 / 3)
    assert total == 2
    large = np.ones((overrides.SMALL_SCORES, 2))
    assert kernel(large, np.zeros(len(large), np.int64), None, "mean", -100, 0.0) == "below"
    assert kernel(small, target, np.ones(3), "mean", -100, 0.0) == "below"
    assert kernel(small, target, None, "none", -100, 0.0) == "below"
    assert kernel(small, target, None, "mean", -100, 0.1) == "below"
    assert kernel(small, target, None, "mean", 1, 0.0) == "below"


def test_an_average_over_fewer_targets_reaches_the_kernel_below() -> None:
    kernel = overrides.cross_entropy_index_backward(lambda *args: "below")
    probabilities, target, one = np.full((2, 2), 0.5), np.array([0, 1]), np.array(1.0)
    found = kernel(one, probabilities, target, None, np.array(2.0), "mean", -100, 0.0)
    assert found.tolist() == [[-0.25, 0.25], [0.25, -0.25]]
    fewer = kernel(one, probabilities, target, None, np.array(1.0), "mean", 1, 0.0)
    assert fewer == "below"
