"""Activations, against their formulas in NumPy.

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
        (nn.Hardshrink(), "Hardshrink(0.5)"),
        (nn.Hardshrink(1), "Hardshrink(1)"),
        (nn.Hardsigmoid(), "Hardsigmoid()"),
        (nn.Hardsigmoid(True), "Hardsigmoid()"),
        (nn.Hardtanh(), "Hardtanh(min_val=-1.0, max_val=1.0)"),
        (nn.Hardtanh(-2, 3.5, True), "Hardtanh(min_val=-2, max_val=3.5, inplace=True)"),
        (nn.Hardswish(), "Hardswish()"),
        (nn.Hardswish(True), "Hardswish()"),
        (nn.LogSigmoid(), "LogSigmoid()"),
        (nn.PReLU(), "PReLU(num_parameters=1)"),
        (nn.PReLU(3, 0.1), "PReLU(num_parameters=3)"),
        (nn.ReLU6(), "ReLU6()"),
        (nn.ReLU6(True), "ReLU6(inplace=True)"),
        (nn.RReLU(), "RReLU(lower=0.125, upper=0.3333333333333333)"),
        (nn.RReLU(0.1, 0.2, True), "RReLU(lower=0.1, upper=0.2, inplace=True)"),
        (nn.SELU(), "SELU()"),
        (nn.SELU(True), "SELU(inplace=True)"),
        (nn.CELU(), "CELU(alpha=1.0)"),
        (nn.CELU(2, True), "CELU(alpha=2, inplace=True)"),
        (nn.Mish(), "Mish()"),
        (nn.Mish(True), "Mish(inplace=True)"),
        (nn.Softshrink(), "Softshrink(0.5)"),
        (nn.Softshrink(1.5), "Softshrink(1.5)"),
        (nn.Softsign(), "Softsign()"),
        (nn.Tanhshrink(), "Tanhshrink()"),
        (nn.Threshold(0.1, 20), "Threshold(threshold=0.1, value=20)"),
        (nn.Threshold(0, -1.0, True), "Threshold(threshold=0, value=-1.0, inplace=True)"),
        (nn.GLU(), "GLU(dim=-1)"),
        (nn.GLU(1), "GLU(dim=1)"),
        (nn.Softmin(), "Softmin(dim=None)"),
        (nn.Softmin(1), "Softmin(dim=1)"),
        (nn.Softmax2d(), "Softmax2d()"),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


X = np.linspace(-7.0, 7.0, 57) + 0.01
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Hardshrink(1.5), np.where(np.abs(X) > 1.5, X, 0)),
        (nn.Softshrink(1.5), np.sign(X) * np.maximum(np.abs(X) - 1.5, 0)),
        (nn.Hardsigmoid(), np.clip(X / 6 + 0.5, 0, 1)),
        (nn.Hardswish(), X * np.clip(X / 6 + 0.5, 0, 1)),
        (nn.Hardtanh(-2, 3), np.clip(X, -2, 3)),
        (nn.ReLU6(), np.clip(X, 0, 6)),
        (nn.LogSigmoid(), np.log(sigmoid(X))),
        (nn.SELU(), SCALE * np.where(X > 0, X, ALPHA * np.expm1(X))),
        (nn.CELU(2.0), np.where(X > 0, X, 2 * np.expm1(X / 2))),
        (nn.Mish(), X * np.tanh(np.log1p(np.exp(X)))),
        (nn.Softsign(), X / (1 + np.abs(X))),
        (nn.Tanhshrink(), X - np.tanh(X)),
        (nn.Threshold(1.0, 20.0), np.where(X > 1, X, 20)),
        (nn.RReLU(0.1, 0.3).eval(), np.where(X > 0, X, 0.2 * X)),
        (nn.Softmin(0), np.exp(-X) / np.exp(-X).sum()),
        (nn.PReLU(1, 0.5).double(), np.where(X > 0, X, 0.5 * X)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_against_numpy(layer, expected):
    close(layer(lc.from_numpy(X)), expected)


def test_gated_linear_unit():
    values = np.random.default_rng(0).standard_normal((3, 4))
    close(nn.GLU(1)(lc.from_numpy(values)), values[:, :2] * sigmoid(values[:, 2:]))


def test_softmax_over_channels():
    values = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    expected = np.exp(values) / np.exp(values).sum(1, keepdims=True)
    close(nn.Softmax2d()(lc.from_numpy(values)), expected)
    close(nn.Softmax2d()(lc.from_numpy(values[0])), expected[0])
    with pytest.raises(ValueError, match="expected input to be 3D or 4D, got 1D"):
        nn.Softmax2d()(lc.ones(2))


def test_slopes_of_channels():
    layer = nn.PReLU(2)
    layer.load_state_dict({"weight": lc.tensor([0.5, 0.1])})
    close(layer(lc.tensor([[-2.0, -2.0]])), [[-1.0, -0.2]])


def test_random_slopes_lie_between_the_bounds():
    slopes = nn.RReLU(0.1, 0.3)(-lc.ones(1000)).neg().numpy()
    assert 0.1 <= slopes.min() < 0.12 and 0.28 < slopes.max() <= 0.3


@pytest.mark.parametrize("name", ["ReLU6", "SELU", "Mish", "Hardswish", "Hardsigmoid", "CELU"])
def test_in_place(name):
    x = lc.tensor([-1.0, 7.0])
    expected = getattr(nn, name)()(x).numpy().copy()
    assert getattr(nn, name)(inplace=True)(x).data_ptr() == x.data_ptr()
    np.testing.assert_array_equal(x.numpy(), expected)


def test_bounds_of_hardtanh():
    with pytest.raises(AssertionError, match="must be greater than min_val"):
        nn.Hardtanh(2, 1)
    with pytest.warns(FutureWarning, match="`min_value` is deprecated and renamed to `min_val`"):
        assert nn.Hardtanh(min_value=-3.0).min_val == -3.0
