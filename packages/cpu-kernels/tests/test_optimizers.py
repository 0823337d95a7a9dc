"""The fused steps against the formulas, written in NumPy."""

from __future__ import annotations

import os

import numpy as np
import pytest

from lamella_cpu_kernels import _native

SHAPES = [(3, 5), (17,), (), (0, 4), (64, 33)]


def arrays(seed: int, kind: str) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.standard_normal(shape)).astype(kind) for shape in SHAPES]


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd(kind, nesterov, maximize, weight_decay) -> None:
    params, grads, buffers = arrays(0, kind), arrays(1, kind), arrays(2, kind)
    fresh = [False, True, False, False, True]
    expected = []
    for p, g, b, new in zip(params, grads, buffers, fresh, strict=True):
        d = (-g if maximize else g) + weight_decay * p
        b = 0.9 * b + (1 if new else 0.75) * d
        expected.append((p - 0.1 * (d + 0.9 * b if nesterov else b), b))
    assert _native.sgd_momentum(
        params, grads, buffers, fresh, 0.1, 0.9, 0.25, weight_decay, nesterov, maximize, 1
    )
    rtol = 1e-5 if kind == "float32" else 1e-12
    for p, b, (place, buffer) in zip(params, buffers, expected, strict=True):
        np.testing.assert_allclose(p, place, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(b, buffer, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_adam(kind, amsgrad, decoupled, maximize) -> None:
    params, grads, means = arrays(0, kind), arrays(1, kind), arrays(2, kind)
    squares = [np.square(each, out=each) for each in arrays(3, kind)]
    largest = [np.square(each, out=each) for each in arrays(4, kind)] if amsgrad else []
    lr, beta1, beta2, eps, decay = 0.01, 0.9, 0.99, 1e-6, 0.1
    steps = [1.0, 2.0, 3.0, 4.0, 5.0]
    expected = []
    for i, step in enumerate(steps):
        p, g, m, v = params[i], grads[i], means[i], squares[i]
        d = -g if maximize else g
        p, d = (p * (1 - lr * decay), d) if decoupled else (p, d + decay * p)
        m = beta1 * m + (1 - beta1) * d
        v = beta2 * v + (1 - beta2) * d * d
        top = np.maximum(largest[i], v) if amsgrad else v
        root = np.sqrt(top) / np.sqrt(1 - beta2**step) + eps
        expected.append((p - lr / (1 - beta1**step) * m / root, m, v))
    assert _native.adam(
        params, grads, means, squares, largest, steps, lr, beta1, beta2, eps, decay, decoupled,
        maximize, 1,
    )  # fmt: skip
    rtol = 1e-4 if kind == "float32" else 1e-11
    for i, (place, mean, square) in enumerate(expected):
        np.testing.assert_allclose(params[i], place, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(means[i], mean, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(squares[i], square, rtol=rtol, atol=rtol)


def test_a_rate_of_zero_moves_the_averages_alone() -> None:
    param, grad, mean, square = np.ones(3), np.full(3, 2.0), np.zeros(3), np.zeros(3)
    _native.adam(
        [param], [grad], [mean], [square], [], [1.0], 0.0, 0.9, 0.99, 1e-8, 0.0, False, False, 1
    )
    assert param.tolist() == [1, 1, 1]
    np.testing.assert_allclose(mean, 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones(4, np.float16),
        np.ones(8)[::2],
        np.ones(3),
        np.ones(4, np.complex128),
        np.ones(4, np.float32),
    ],
    ids=["half", "strided", "size", "complex", "type"],
)
def test_what_it_does_not_take_is_left_as_it_was(wrong) -> None:
    good = np.ones(4)
    for place in range(3):
        lists = [[good.copy()], [good.copy()], [good.copy()]]
        lists[place] = [wrong.copy() if wrong.flags.c_contiguous else wrong]
        assert not _native.sgd_momentum(*lists, [False], 0.1, 0.9, 0.0, 0.0, False, False, 1)
        for index, (each,) in enumerate(lists):
            if index != place:
                assert (each == 1).all()


def test_read_only_parameters_are_not_written() -> None:
    param = np.ones(4)
    param.flags.writeable = False
    lists = ([param], [np.ones(4)], [np.ones(4)])
    assert not _native.sgd_momentum(*lists, [False], 0.1, 0.9, 0.0, 0.0, False, False, 1)
    assert (param == 1).all()


def test_threads_cover_every_element_once_and_leave_fork_alone() -> None:
    sizes = [300_001, 7, 0, 400_003, 100_000]
    params = [np.zeros(size) for size in sizes]
    grads = [np.arange(size, dtype=np.float64) for size in sizes]
    buffers = [np.zeros(size) for size in sizes]
    assert _native.sgd_momentum(
        params, grads, buffers, [True] * 5, 1.0, 0.9, 0.0, 0.0, False, False, 3
    )
    for param, grad in zip(params, grads, strict=True):
        np.testing.assert_array_equal(param, -grad)
    child = os.fork()
    if child == 0:
        fine = _native.sgd_momentum(
            params, grads, buffers, [False] * 5, 1.0, 0.9, 0.0, 0.0, False, False, 3
        )
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
