"""Normalizations: statistics, running statistics, gradients, errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_autograd import func
from lamella_nn import functional as F


def numbers(*shape):
    return torch.tensor(np.random.default_rng(0).standard_normal(shape) * 2 + 1)


def test_batch_norm_moves_the_running_statistics():
    x = numbers(4, 3, 5)
    mean, variance = torch.zeros(3, dtype=x.dtype), torch.ones(3, dtype=x.dtype)
    result = F.batch_norm(x, mean, variance, training=True, momentum=0.1)
    array = x.numpy()
    np.testing.assert_allclose(result.numpy().mean((0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(mean.numpy(), 0.1 * array.mean((0, 2)))
    np.testing.assert_allclose(variance.numpy(), 0.9 + 0.1 * array.var((0, 2), ddof=1))
    fixed = F.batch_norm(x, mean, variance)
    expected = (array - mean.numpy()[:, None]) / np.sqrt(variance.numpy()[:, None] + 1e-5)
    np.testing.assert_allclose(fixed.numpy(), expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: F.batch_norm(x, None, None, w, training=True),
        lambda x, w: F.layer_norm(x, (3,), w),
        lambda x, w: F.group_norm(x.reshape(2, 3, 2), 3, w),
        lambda x, w: F.rms_norm(x, (3,), w),
    ],
)
def test_fused_gradients_equal_those_in_ops(function):
    """The gradient is fused; with create_graph it is written in ops."""
    x, w = numbers(4, 3).requires_grad_(), torch.tensor([1.0, 2.0, 0.5]).double().requires_grad_()
    y = function(x, w)
    g = torch.tensor(np.random.default_rng(1).standard_normal(y.shape))
    fused = autograd.grad(y, (x, w), g, retain_graph=True)
    written = autograd.grad(y, (x, w), g, create_graph=True)
    for a, b in zip(fused, written, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), atol=1e-12)


def test_group_and_instance_norm_are_means_of_their_own():
    x = numbers(2, 4, 5)
    grouped = F.group_norm(x, 2).numpy().reshape(2, 2, -1)
    np.testing.assert_allclose(grouped.mean(2), 0, atol=1e-12)
    each = F.instance_norm(x).numpy()
    np.testing.assert_allclose(each.mean(2), 0, atol=1e-12)
    np.testing.assert_allclose(each.var(2), 1, atol=1e-4)


def test_normalize_gives_unit_rows():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    assert F.normalize(x).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


def test_local_response_norm():
    x = torch.ones(1, 3, 1)
    result = F.local_response_norm(x, 3, alpha=3.0, beta=1.0, k=1.0)
    assert result[0, :, 0].tolist() == pytest.approx([1 / 3, 1 / 4, 1 / 3])


def test_errors():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        F.batch_norm(torch.zeros(1, 3), None, None, training=True)
    with pytest.raises(RuntimeError, match="running_mean should contain 3 elements not 4"):
        F.batch_norm(torch.zeros(2, 3), torch.zeros(4), torch.ones(4))
    with pytest.raises(RuntimeError, match=r"normalized_shape=\[3\].*size\[2, 4\]"):
        F.layer_norm(torch.zeros(2, 4), (3,))
    with pytest.raises(RuntimeError, match="divisible by num_groups"):
        F.group_norm(torch.zeros(2, 3), 2)


def test_what_a_normalization_gives_may_be_overwritten():
    x, w = numbers(4, 3).requires_grad_(), torch.ones(3, dtype=torch.float64, requires_grad=True)
    grads = []
    for inplace in (False, True):
        y = F.batch_norm(x, None, None, w, None, True)
        y = F.relu(y, inplace) if inplace else F.relu(y)
        grads.append(autograd.grad((y * y).sum(), (x, w)))
    for found, expected in zip(grads[1], grads[0], strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy())


def test_running_statistics_move_inside_of_a_gradient() -> None:
    x = torch.tensor([[0.0, 2.0], [2.0, 6.0]])
    for transform in (
        lambda f: func.grad(lambda a: (f(a) ** 2).sum())(x),
        lambda f: func.jvp(f, (x,), (x,)),
    ):
        mean, variance = torch.zeros(2), torch.ones(2)
        transform(lambda a: F.batch_norm(a, mean, variance, training=True))  # noqa: B023
        assert mean.tolist() == pytest.approx([0.1, 0.4])
        assert variance.tolist() == pytest.approx([0.9 + 0.1 * 2, 0.9 + 0.1 * 8])
    with pytest.raises(RuntimeError, match="not batched"):
        func.vmap(lambda a: F.batch_norm(a, mean, variance, training=True))(torch.stack([x, x]))


def test_parameters_have_the_inputs_dtype():
    x, wide = torch.ones(2, 4, 3), torch.ones(4).double()
    for call in (
        lambda: F.layer_norm(x.mT, (4,), wide),
        lambda: F.group_norm(x, 2, wide),
        lambda: F.batch_norm(x, wide, wide),
        lambda: F.batch_norm(x, None, None, wide, training=True),
    ):
        with pytest.raises(RuntimeError, match="expect parameter to have scalar type of Float"):
            call()
    half = F.layer_norm(x.mT.bfloat16(), (4,), torch.ones(4))
    assert half.dtype is torch.bfloat16
    with pytest.raises(NotImplementedError, match="Long"):
        F.batch_norm(x.long(), torch.zeros(4), torch.ones(4))


@pytest.mark.parametrize(
    "normalize",
    [
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.batch_norm(x, torch.zeros(4), torch.ones(4)),
        lambda x: F.layer_norm(x, (3,)),
        lambda x: F.rms_norm(x, (3,)),
    ],
)
def test_a_transposed_input_gives_a_row_major_result(normalize):
    """As in PyTorch, so that a program can view() it."""
    x = torch.randn(2, 3, 4).transpose(1, 2)
    result = normalize(x)
    assert result.is_contiguous()
    np.testing.assert_allclose(result.numpy(), normalize(x.contiguous()).numpy(), 1e-5, 1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_given_statistics_and_their_gradients(dtype):
    """Of half precision, and of an order of its own: as of float64 that is row-major."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4).to(dtype).transpose(2, 3)
    numbers = [torch.rand(3) + 0.5 for _ in range(4)]
    numbers = [each if dtype is torch.float16 else each.double() for each in numbers]
    leaves = [each.detach().requires_grad_() for each in (x, *numbers)]
    found = F.batch_norm(*leaves)
    assert found.dtype is dtype and found.is_contiguous()
    exact = [each.detach().double().contiguous().requires_grad_() for each in leaves]
    expected = F.batch_norm(*exact)
    rough = 4e-3 if dtype is torch.float16 else 1e-12
    np.testing.assert_allclose(
        found.detach().double().numpy(), expected.detach().numpy(), rtol=rough, atol=rough
    )
    grad = torch.randn(2, 3, 4, 5).half()
    pairs = zip(
        autograd.grad(found, leaves, grad.to(dtype)),
        autograd.grad(expected, exact, grad.double()),
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_allclose(one.double().numpy(), other.numpy(), rtol=rough, atol=4 * rough)
