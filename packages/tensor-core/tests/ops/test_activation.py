"""Activation functions. Unless a comment says otherwise the values were recorded from PyTorch 2.13
on CPU, in float64, at the points ``X``."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_core.ops import activation

INF, NAN = float("inf"), float("nan")
X = [-2.5, -1.0, -0.0, 0.0, 0.3, 1.0, 4.0]
VALUES = {
    "relu": [0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 4.0],
    "hardshrink": [-2.5, -1.0, 0.0, 0.0, 0.0, 1.0, 4.0],
    "leaky_relu": [-0.025, -0.01, 0.0, 0.0, 0.3, 1.0, 4.0],
    "elu": [-0.917915001376, -0.632120558829, 0.0, 0.0, 0.3, 1.0, 4.0],
    "celu": [-0.917915001376, -0.632120558829, 0.0, 0.0, 0.3, 1.0, 4.0],
    "selu": [
        -1.61378575887, -1.11133073781, 0.0, 0.0, 0.315210296207, 1.05070098736, 4.20280394942,
    ],
    "sigmoid": [
        0.0758581800212, 0.26894142137, 0.5, 0.5, 0.574442516812, 0.73105857863, 0.982013790038,
    ],
}  # fmt: skip
GELU_TANH = [
    -0.01508426609, -0.158808009392, 0.0, 0.0, 0.185370923543, 0.841191990608, 3.99992975405,
]  # fmt: skip
GELU = [
    -0.0155241633144, -0.158655253931, 0.0, 0.0, 0.185373426657, 0.841344746069, 3.99987331503,
]  # fmt: skip

IN_PLACE = ("celu", "selu")


def wide(values: list[float]) -> lc.Tensor:
    return lc.tensor(values, dtype=lc.float64)


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    function = getattr(activation, name)
    np.testing.assert_allclose(function(wide(X)).numpy(), VALUES[name], rtol=1e-11)
    assert function(wide(X)[2]).item() == pytest.approx(VALUES[name][2])
    for dtype, tolerance in ((lc.float32, 1e-5), (lc.float16, 5e-3), (lc.bfloat16, 3e-2)):
        got = function(lc.tensor(X, dtype=dtype))
        assert got.dtype is dtype
        np.testing.assert_allclose(got.tolist(), VALUES[name], rtol=tolerance, atol=tolerance)


def test_gelu_by_tanh() -> None:
    got = activation.gelu(wide(X), approximate="tanh")
    np.testing.assert_allclose(got.numpy(), GELU_TANH, rtol=1e-11)


def test_gelu() -> None:
    pytest.importorskip("scipy", reason="the error function comes with the extra scipy")
    np.testing.assert_allclose(activation.gelu(wide(X)).numpy(), GELU, rtol=1e-11)
    with pytest.raises(RuntimeError, match="either none or tanh"):
        activation.gelu(wide(X), approximate="erf")


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    a = wide(X)
    version = a._version
    assert getattr(activation, f"{name}_")(a) is a
    np.testing.assert_allclose(a.numpy(), VALUES[name], rtol=1e-11)
    assert a._version > version


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("relu", "sigmoid")])
def test_refused_types(name: str) -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        getattr(activation, name)(lc.tensor([True]))


def test_relu_of_other_types() -> None:
    assert lc.relu(lc.tensor([-1, 2])).tolist() == [0, 2]
    assert math.isnan(lc.relu(lc.tensor([NAN])).item())
    with pytest.raises(RuntimeError, match="Boolean inputs not supported"):
        lc.relu(lc.tensor([True]))
    with pytest.raises(NotImplementedError):
        lc.relu(lc.tensor([1j]))
    a = lc.tensor([-1.0, 2.0])
    assert a.relu_() is a
    assert a.tolist() == [0.0, 2.0]


def test_infinities() -> None:
    ends = wide([-INF, INF])
    assert lc.sigmoid(ends).tolist() == [0.0, 1.0]
    assert activation.elu(ends).tolist() == [-1.0, INF]
    assert activation.leaky_relu(lc.tensor([INF, -1.0]), 0.0).tolist() == [INF, 0.0]


def test_arguments() -> None:
    a = wide([-2.0, -0.2, 0.5, 3.0])
    assert activation.threshold(a, 0.4, -7.0).tolist() == [-7.0, -7.0, 0.5, 3.0]
    assert activation.leaky_relu(a, 2.0).tolist() == [-4.0, -0.4, 0.5, 3.0]
    assert activation.hardshrink(a, 1.0).tolist() == [-2.0, 0.0, 0.0, 3.0]
    assert activation.celu(a, 2.0).tolist() == pytest.approx(
        [2 * math.expm1(-1.0), 2 * math.expm1(-0.1), 0.5, 3.0]
    )
    with pytest.raises(RuntimeError, match="alpha cannot be 0"):
        activation.celu(a, 0.0)
    b = a.clone()
    activation.threshold_(b, 0.4, -7.0)
    assert b.tolist() == [-7.0, -7.0, 0.5, 3.0]


def test_prelu() -> None:
    a = lc.tensor([[-1.0, -1.0, 2.0]])
    assert lc.prelu(a, lc.tensor([0.5])).tolist() == [[-0.5, -0.5, 2.0]]
    assert lc.prelu(a, lc.tensor([0.5, 2.0, 3.0])).tolist() == [[-0.5, -2.0, 2.0]]
    with pytest.raises(RuntimeError, match="parameter numbers = 2 and channel size = 3"):
        lc.prelu(a, lc.tensor([0.5, 2.0]))


def test_rrelu() -> None:
    a = lc.tensor([-1.0, 2.0, -3.0])
    assert lc.rrelu(a, 0.2, 0.4).tolist() == pytest.approx([-0.3, 2.0, -0.9])
    lc.manual_seed(0)
    drawn = lc.rrelu(a, 0.1, 0.5, training=True)
    # torch.manual_seed(0); torch.rrelu(torch.tensor([-1., 2., -3.]), 0.1, 0.5, training=True)
    assert drawn.tolist() == pytest.approx([-0.488021195, 2.0, -1.1493839], rel=1e-6)
    lc.manual_seed(0)
    assert lc.rrelu_(a, 0.1, 0.5, training=True) is a
    assert a.tolist() == drawn.tolist()
    assert lc.rrelu_(lc.tensor([-1.0, 2.0]), 0.2, 0.4).tolist() == pytest.approx([-0.3, 2.0])


def test_logit() -> None:
    a = wide([0.25, 0.5, 1.5])
    got = lc.logit(a).tolist()
    assert got[:2] == pytest.approx([-math.log(3), 0.0])
    assert math.isnan(got[2])
    assert lc.logit(a, eps=0.1).tolist()[2] == pytest.approx(math.log(9))
    assert lc.logit(lc.tensor([0, 1])).dtype is lc.float32


def softmax_of(a: np.ndarray[Any, Any], axis: int) -> np.ndarray[Any, Any]:
    weights = np.exp(a - a.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax(dim: int) -> None:
    a = np.random.default_rng(0).standard_normal((3, 4, 5)) * 100
    expected = softmax_of(a, dim)
    np.testing.assert_allclose(lc.softmax(lc.from_numpy(a), dim).numpy(), expected, rtol=1e-12)
    got = lc.from_numpy(a).log_softmax(dim).numpy()
    np.testing.assert_allclose(np.exp(got), expected, rtol=1e-9, atol=1e-300)
    assert np.isfinite(got).all()


def test_softmax_edges() -> None:
    assert lc.softmax(lc.tensor(3.0), 0).item() == 1.0
    assert lc.softmax(lc.zeros(0, 3), 1).shape == (0, 3)
    assert lc.softmax(lc.tensor([1, 1]), 0, dtype=lc.float64).tolist() == [0.5, 0.5]
    with pytest.raises(IndexError, match="Dimension out of range"):
        lc.softmax(lc.ones(2), 1)
    with pytest.raises(NotImplementedError, match="'Long'"):
        lc.log_softmax(lc.tensor([1, 1]), 0)
    out = lc.empty(2)
    assert lc.softmax(lc.zeros(2), 0, out=out) is out
    assert out.tolist() == [0.5, 0.5]


def test_steep_sides_of_the_hinges() -> None:
    grad, a = lc.full((4,), INF), lc.tensor([-1.0, 0.0, 1.0, NAN])
    # Recorded from PyTorch: what was cut off has gradient 0, even of an infinite one.
    assert activation.threshold_backward(grad, a, 0.0).tolist() == [0.0, 0.0, INF, INF]


def test_log_softmax_in_half_precision() -> None:
    # Recorded from PyTorch: along the last dimension the logarithm of the sum is rounded.
    a = lc.tensor([1.0, 2.0, 3.0, 4.5, -1.0, 0.25, 2.2], dtype=lc.bfloat16)
    assert lc.log_softmax(a[None], 1)[0, 3].item() == -0.373046875
    assert lc.log_softmax(a[:, None], 0)[3, 0].item() == -0.375


def test_a_row_of_minus_infinity_is_nan_without_a_warning():
    row = lc.full((2, 3), -INF)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dim in (0, 1):
            assert lc.softmax(row, dim).isnan().all()
            assert lc.log_softmax(row, dim).isnan().all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_numbers_far_from_zero(dtype: type) -> None:
    # exp of these overflows or vanishes, so that only differences may enter.
    rows = np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -2000.0], [1.0, 2.0, 3.0]], dtype)
    shifted = np.exp(rows - rows.max(1, keepdims=True))
    expected = shifted / shifted.sum(1, keepdims=True)
    np.testing.assert_allclose(lc.softmax(lc.from_numpy(rows), 1).numpy(), expected, rtol=1e-6)
    for row, wanted in zip(rows, expected, strict=True):
        np.testing.assert_allclose(lc.softmax(lc.from_numpy(row), 0).numpy(), wanted, rtol=1e-6)
        logarithms = lc.log_softmax(lc.from_numpy(row), 0).numpy()
        np.testing.assert_allclose(np.exp(logarithms.astype(np.float64)), wanted, rtol=1e-6)


def test_softmax_of_infinite_and_missing_numbers() -> None:
    rows = lc.tensor([[float("inf"), 0.0], [float("nan"), 0.0], [-float("inf"), 0.0]])
    result = lc.softmax(rows, -1).numpy()
    # PyTorch 2.13 gives the same.
    assert np.isnan(result[:2]).all()
    assert result[2].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("dtype", [lc.float16, lc.float32, lc.float64])
def test_relu_keeps_the_sign_of_zero(dtype: lc.dtype, size: int) -> None:
    zeros = lc.tensor([-0.0] * size, dtype=dtype)
    assert lc.relu(zeros).signbit().all()
    assert not lc.relu(-zeros).signbit().any()
