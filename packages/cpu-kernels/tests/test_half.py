from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import lamella_core as core
import lamella_cpu_kernels  # noqa: F401
import lamella_nn as nn
import lamella_nn.functional as F
import lamella_optim as optim

RANDOM = np.random.default_rng(0)
TYPES = {core.float16: np.dtype(np.float16), core.bfloat16: np.dtype(ml_dtypes.bfloat16)}


@pytest.fixture(params=TYPES)
def dtype(request):
    return request.param


def halves(dtype, *shape: int) -> core.Tensor:
    return core.tensor(RANDOM.standard_normal(shape).astype(np.float32)).to(dtype)


def wide(tensor: core.Tensor) -> np.ndarray:
    return tensor.detach().float().numpy()


def assert_rounded(found: core.Tensor, expected: np.ndarray, dtype) -> None:
    """Within one step of the type from the exact numbers."""
    digits = 11 if dtype is core.float16 else 8
    np.testing.assert_allclose(wide(found), expected, 2.0**-digits, 2e-6)


def test_layer_norm_is_rounded_once(dtype) -> None:
    x, weight, bias = halves(dtype, 300, 500), halves(dtype, 500), halves(dtype, 500)
    rows = wide(x).astype(np.float64)
    normal = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
    expected = normal * wide(weight) + wide(bias)
    assert_rounded(F.layer_norm(x, (500,), weight, bias), expected, dtype)
    assert_rounded(F.layer_norm(x.T.contiguous().T, (500,), weight, bias), expected, dtype)


def test_pooling_keeps_the_largest(dtype) -> None:
    x = halves(dtype, 2, 3, 8, 8)
    expected = wide(x).reshape(2, 3, 4, 2, 4, 2).max((3, 5))
    np.testing.assert_array_equal(wide(F.max_pool2d(x, 2)), expected)


def test_cross_entropy_and_its_gradient(dtype) -> None:
    x, target = halves(dtype, 400, 400).requires_grad_(), RANDOM.integers(0, 400, 400)
    scores = wide(x).astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    loss = F.cross_entropy(x, core.tensor(target), reduction="sum")
    rows = np.arange(400)
    assert_rounded(loss, -np.log(shares[rows, target]).sum(), dtype)
    loss.backward()
    shares[rows, target] -= 1
    # Probabilities are kept in the type of the scores, and the difference is rounded again.
    digits = 10 if dtype is core.float16 else 7
    np.testing.assert_allclose(wide(x.grad), shares, 2.0**-digits, 1e-3)


def test_product_with_a_number_in_place(dtype) -> None:
    x = halves(dtype, 400, 400)
    expected = (wide(x) * np.float32(1.5)).astype(TYPES[dtype]).astype(np.float32)
    every = x.clone()
    assert every.mul_(1.5) is every
    np.testing.assert_array_equal(wide(every), expected)
    columns = x.clone()
    columns[:, ::2].mul_(1.5)
    np.testing.assert_array_equal(wide(columns)[:, ::2], expected[:, ::2])
    np.testing.assert_array_equal(wide(columns)[:, 1::2], wide(x)[:, 1::2])


def test_step_of_momentum_is_rounded_once(dtype) -> None:
    weight = nn.Parameter(halves(dtype, 300, 100))
    before, weight.grad = wide(weight), halves(dtype, 300, 100)
    optim.SGD([weight], lr=0.5, momentum=0.9).step()
    expected = (before - np.float32(0.5) * wide(weight.grad)).astype(TYPES[dtype])
    np.testing.assert_array_equal(wide(weight), expected.astype(np.float32))
