"""The derivative of tanh against its formula."""

import math
from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_core.ops.elementary import tanh_backward


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64"])
@pytest.mark.parametrize("shape", [(), (1,), (0, 2), (2, 3), (140001,)])
def test_tanh_backward(dtype: str, shape: Any) -> None:
    count = math.prod(shape)
    result = core.tensor(np.linspace(-0.9, 0.9, count).reshape(shape), dtype=getattr(core, dtype))
    grad = core.full_like(result, 2)
    before = grad.numpy().copy(), result.numpy().copy()
    found = tanh_backward(grad, result)
    assert found.dtype is result.dtype
    assert found.shape == shape
    tolerance = 2e-3 if dtype == "float16" else 1e-6
    np.testing.assert_allclose(found.numpy(), 2 - 2 * before[1] ** 2, rtol=tolerance)
    np.testing.assert_array_equal(grad.numpy(), before[0])
    np.testing.assert_array_equal(result.numpy(), before[1])


def test_tanh_backward_of_a_gradient_that_is_broadcast() -> None:
    result = core.tensor([[0.5, -0.25], [0.0, 1.0]])
    expected = [[1.5, 1.875], [2.0, 0.0]]
    assert tanh_backward(core.tensor(2.0), result).tolist() == expected
    assert tanh_backward(core.tensor([[2.0]]).expand(2, 2), result).tolist() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanh_backward_of_many_gradients_for_one_result(dtype: str) -> None:
    result = core.tensor([0.5, -0.25], dtype=getattr(core, dtype))
    grads = core.tensor([[2.0, 1.0], [-4.0, 0.0]], dtype=getattr(core, dtype))
    assert tanh_backward(grads, result).tolist() == [[1.5, 0.9375], [-3.0, 0.0]]


def test_many_numbers_are_clamped_as_few_are():
    # PyTorch 2.13 keeps a negative zero, and lets NaN through.
    given = np.tile(np.array([-2.0, -0.0, 0.5, 3.0, np.nan, np.inf], np.float32), 30_000)
    tensor = core.from_numpy(given.copy())
    for result, high in ((tensor.relu(), np.inf), (tensor.clamp(0, 1), 1.0)):
        expected = np.minimum(np.where(given < 0, np.float32(0), given), np.float32(high))
        np.testing.assert_array_equal(result.numpy(), expected)
    assert np.signbit(tensor.relu().numpy()[1])
    tensor.clamp_(-1.0, 0.25)
    np.testing.assert_array_equal(tensor.numpy(), np.clip(given, -1, np.float32(0.25)))


def test_many_numbers_are_written_in_place_by_kernels_of_several_steps():
    given = np.random.default_rng(5).normal(size=200_000)
    tensor = core.from_numpy(given.copy())
    tensor.sigmoid_()
    np.testing.assert_allclose(tensor.numpy(), 1 / (1 + np.exp(-given)), rtol=1e-14)
    tensor.frac_()
    np.testing.assert_allclose(tensor.numpy(), 1 / (1 + np.exp(-given)), rtol=1e-14)
    tensor.rsqrt_()
    np.testing.assert_allclose(tensor.numpy(), np.sqrt(1 + np.exp(-given)), rtol=1e-14)
