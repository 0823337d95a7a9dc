"""The networks' own activation functions. The values were recorded from PyTorch 2.13 on CPU, in
float64, at the points ``X``."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import grad
from lamella_nn import functional as _functional  # noqa: F401  (declares the kernels)
from lamella_nn.ops import activation

INF, NAN = float("inf"), float("nan")
X = [-2.5, -1.0, -0.0, 0.0, 0.3, 1.0, 4.0]
VALUES = {
    "relu6": [0.0, 0.0, 0.0, 0.0, 0.3, 1.0, 4.0],
    "hardtanh": [-1.0, -1.0, 0.0, 0.0, 0.3, 1.0, 1.0],
    "hardsigmoid": [1 / 12, 1 / 3, 0.5, 0.5, 0.55, 2 / 3, 1.0],
    "hardswish": [-0.208333333333, -0.333333333333, 0.0, 0.0, 0.165, 0.666666666667, 4.0],
    "softshrink": [-2.0, -0.5, 0.0, 0.0, 0.0, 0.5, 3.5],
    "silu": [
        -0.189645450053, -0.26894142137, 0.0, 0.0, 0.172332755043, 0.73105857863, 3.92805516015,
    ],
    "mish": [
        -0.196816203907, -0.303401461374, 0.0, 0.0, 0.208001372348, 0.865098388267, 3.99741280698,
    ],
    "softplus": [
        0.0788897342925, 0.313261687518, 0.69314718056, 0.69314718056, 0.854355244469,
        1.31326168752, 4.01814992792,
    ],
    "log_sigmoid": [
        -2.57888973429, -1.31326168752, -0.69314718056, -0.69314718056, -0.554355244469,
        -0.313261687518, -0.0181499279178,
    ],
    "softsign": [-0.714285714286, -0.5, 0.0, 0.0, 0.230769230769, 0.5, 0.8],
    "tanhshrink": [
        -1.51338570185, -0.238405844044, 0.0, 0.0, 0.00868738754841, 0.238405844044, 3.00067070026,
    ],
}  # fmt: skip

IN_PLACE = ("relu6", "hardtanh", "silu", "mish", "hardsigmoid", "hardswish")


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


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    a = wide(X)
    version = a._version
    assert getattr(activation, f"{name}_")(a) is a
    np.testing.assert_allclose(a.numpy(), VALUES[name], rtol=1e-11)
    assert a._version > version


def test_hinges_in_place() -> None:
    assert activation.leaky_relu_(lc.tensor([-2.0, 3.0]), 0.5).tolist() == [-1.0, 3.0]
    assert activation.elu_(wide([-1.0, 3.0]), 2.0).tolist() == [2 * math.expm1(-1), 3.0]


@pytest.mark.parametrize(
    "name", [name for name in VALUES if name not in ("softsign", "tanhshrink")]
)
def test_refused_types(name: str) -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        getattr(activation, name)(lc.tensor([True]))


def test_hardtanh_of_integers() -> None:
    assert activation.hardtanh(lc.tensor([-5, 0, 5])).tolist() == [-1, 0, 1]
    with pytest.raises(RuntimeError, match="unsigned type with negative limits"):
        activation.hardtanh(lc.tensor([1], dtype=lc.uint8))


def test_infinities() -> None:
    ends = wide([-INF, INF])
    assert activation.softplus(ends).tolist() == [0.0, INF]
    assert activation.log_sigmoid(ends).tolist() == [-INF, 0.0]


def test_arguments() -> None:
    assert activation.softplus(wide([0.5, 3.0]), 2.0, 1.0).tolist()[1] == 3.0
    with pytest.raises(RuntimeError, match="greater or equal to 0"):
        activation.softshrink(wide([1.0]), -1.0)


def test_glu() -> None:
    a = wide([[1.0, 2.0, 0.0, 0.0]])
    assert activation.glu(a).tolist() == [[0.5, 1.0]]
    with pytest.raises(RuntimeError, match="dimension 0 is size 1"):
        activation.glu(a, 0)
    with pytest.raises(RuntimeError, match="0-dimensional"):
        activation.glu(lc.tensor(1.0))


def test_steep_sides_of_hardtanh() -> None:
    grad_output, a = lc.full((4,), INF), lc.tensor([-1.0, 0.0, 1.0, NAN])
    # Recorded from PyTorch: what was cut off has gradient 0, even of an infinite one.
    slope = activation.hardtanh_backward(grad_output, a, -1.0, 1.0)
    assert slope.tolist() == [0.0, INF, 0.0, INF]


def test_second_derivative_of_nan() -> None:
    x = lc.tensor([NAN]).requires_grad_()
    (slope,) = grad(activation.softplus(x, 1.0, 20.0).sum(), x, create_graph=True)
    (bend,) = grad(slope.sum(), x)
    assert math.isnan(bend.item())
