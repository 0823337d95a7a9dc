"""The blocks and threads of the list kernels against whole-array NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lamella_core import parallel
from lamella_optim.kernels import adam, sgd
from lamella_optim.kernels.lists import BLOCK, FORMS, PARALLEL, WHOLE

SIZES = [
    *(1, 2047, 2048, 2049, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 7),
    *(WHOLE, WHOLE + 1, PARALLEL + 5),
]


@pytest.fixture(params=["1", "3"])
def thread_count(request, monkeypatch):
    """The pool is made anew, so that its size is the one that is asked for."""
    monkeypatch.setattr(parallel.state, "count", int(request.param))
    monkeypatch.setattr(parallel.state, "pool", None)
    return int(request.param)


def draws(seed, shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def adam_reference(param, grad, mean, square, step):
    mean = 0.9 * mean + 0.1 * grad
    square = 0.99 * square + 0.01 * grad * grad
    scale = np.sqrt(square / (1 - 0.99**step)) + 1e-8
    return param - 0.1 * mean / (1 - 0.9**step) / scale, mean, square


def run_adam(params, grads, means, squares, steps):
    adam.adam.on_cpu(
        params, grads, means, squares, [], steps, 0.1, 0.9, 0.99, 1e-8, 0.0, False, False
    )


@pytest.mark.parametrize("size", SIZES)
def test_sgd_blocks(size, thread_count) -> None:
    param, grad = draws(0, size), draws(1, size)
    expected = param - 0.1 * (grad + 0.2 * param)
    before = grad.copy()
    sgd.sgd.on_cpu([param], [grad], 0.1, 0.2, False)
    np.testing.assert_allclose(param, expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(grad, before)


@pytest.mark.parametrize("size", SIZES)
def test_adam_blocks(size, thread_count) -> None:
    param, grad, mean = draws(0, size), draws(1, size), draws(2, size)
    square = draws(3, size) ** 2
    expected = adam_reference(param, grad, mean, square, 3.0)
    run_adam([param], [grad], [mean], [square], [3.0])
    for found, wanted in zip((param, mean, square), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_lists_of_mixed_sizes_types_and_steps(thread_count) -> None:
    kinds = [((3, 5), "f4"), ((BLOCK + 3,), "f8"), ((), "f8"), ((0, 4), "f4"), ((PARALLEL,), "f4")]
    lists = [[draws(seed, *kind) for kind in kinds] for seed in (0, 1, 2)]
    lists.append([draws(3, *kind) ** 2 for kind in kinds])
    lists = [[np.asarray(a) for a in arrays] for arrays in lists]
    steps = [1.0, 2.0, 1.0, 4.0, 7.0]
    wide = [[a.astype(np.float64) for a in arrays] for arrays in lists]
    expected = [adam_reference(*arrays) for arrays in zip(*wide, steps, strict=True)]
    run_adam(*lists, steps)
    for i, (_, kind) in enumerate(kinds):
        tolerance = 1e-5 if kind == "f4" else 1e-12
        for found, wanted in zip((lists[0][i], lists[2][i], lists[3][i]), expected[i], strict=True):
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def test_more_forms_of_parameters_than_views_are_kept_for() -> None:
    lists = [[draws(seed, (size,)) for size in range(FORMS + 9)] for seed in (0, 1, 2)]
    lists.append([draws(3, (size,)) ** 2 for size in range(FORMS + 9)])
    expected = [adam_reference(*arrays, 2.0) for arrays in zip(*lists, strict=True)]
    run_adam(*lists, [2.0] * (FORMS + 9))
    for found, (wanted, _, _) in zip(lists[0], expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layout", ["transposed", "strided", "mixed"])
def test_layouts_beyond_a_block(layout) -> None:
    shape = (700, 200)  # beyond WHOLE

    def laid_out(values, which):
        if which == "transposed":
            return np.asfortranarray(values)
        return np.repeat(values, 2, axis=1)[:, ::2]

    arrays = [draws(seed, shape) for seed in (0, 1, 2)]
    arrays.append(draws(3, shape) ** 2)
    expected = adam_reference(*arrays, 2.0)
    layouts = ["transposed", "strided"] * 2 if layout == "mixed" else [layout] * 4
    param, grad, mean, square = map(laid_out, arrays, layouts)
    run_adam([param], [grad], [mean], [square], [2.0])
    for found, wanted in zip((param, mean, square), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_float16_is_computed_in_float32() -> None:
    param = np.array([1.0, 2.0], np.float16)
    grad = np.array([300.0, 1e-4], np.float16)
    mean, square = np.zeros(2, np.float16), np.zeros(2, np.float16)
    # 300² is beyond float16, 0.01 * 300² is not.
    run_adam([param], [grad], [mean], [square], [1.0])
    np.testing.assert_allclose(param, [0.9, 1.9], rtol=1e-3)
    np.testing.assert_allclose(square[0], 900.0, rtol=1e-3)


def test_complex_is_its_two_parts() -> None:
    param, grad = draws(0, (5, 2)), draws(1, (5, 2))
    mean, square = np.zeros((5, 2)), np.zeros((5, 2))
    turned = [np.ascontiguousarray(a).view(np.complex128)[:, 0].copy() for a in (param, grad)]
    states = [np.zeros(5, np.complex128), np.zeros(5, np.complex128)]
    run_adam([param], [grad], [mean], [square], [1.0])
    run_adam(*[[a] for a in (*turned, *states)], [1.0])
    np.testing.assert_allclose(turned[0].view(np.float64).reshape(5, 2), param, rtol=1e-14)
    np.testing.assert_allclose(states[1].view(np.float64).reshape(5, 2), square, rtol=1e-14)
