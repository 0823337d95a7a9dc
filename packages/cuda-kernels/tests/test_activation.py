"""Activation functions on CUDA against their formulas; skipped where there is no GPU."""

import math

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)
pytest.importorskip("lamella_nn.functional", reason="most of the ops are declared in lamella-nn")

DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _forms(x: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values and slopes; those of gelu by the error function of Python."""
    erf = np.vectorize(math.erf)
    s = 1 / (1 + np.exp(-x))
    normal = 0.5 * (1 + erf(x / math.sqrt(2)))
    half = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return {
        "silu": (x * s, s * (1 + x * (1 - s))),
        "none": (x * normal, normal + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)),
        "tanh": (0.5 * x * (1 + half), 0.5 * (1 + half) + 0.5 * x * (1 - half**2) * inner),
    }


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", ["silu", "none", "tanh"])
def test_values_and_slopes(name: str, dtype: str) -> None:
    x = lc.linspace(-6, 6, 999, dtype=lc.float64).to(DTYPES[dtype])
    value, slope = _forms(x.double().numpy())[name]
    rest = {} if name == "silu" else {"approximate": name}
    op = "silu" if name == "silu" else "gelu"
    close = 4 * CLOSE[dtype]
    found = lc.dispatch.ops[op].function(x.cuda(), **rest)
    assert found.dtype is x.dtype
    np.testing.assert_allclose(found.cpu().double().numpy(), value, close, close)
    grad = lc.full_like(x, 2.0).cuda()
    found = lc.dispatch.ops[f"{op}_backward"].function(grad, x.cuda(), **rest)
    np.testing.assert_allclose(found.cpu().double().numpy(), 2 * slope, close, close)


def test_the_order_in_memory_stays() -> None:
    x = lc.randn(3, 4, 5).cuda().permute(2, 0, 1)
    found = lc.dispatch.ops["silu"].function(x)
    assert found.stride() == x.stride()
    np.testing.assert_allclose(
        found.cpu().numpy(), _forms(x.cpu().numpy())["silu"][0], rtol=1e-5, atol=1e-6
    )
    # Every second element, and one for all.
    for strided in (lc.arange(10.0).cuda()[::2], lc.ones(1).cuda().expand(7)):
        np.testing.assert_allclose(
            lc.dispatch.ops["silu"].function(strided).cpu().numpy(),
            _forms(strided.cpu().numpy())["silu"][0],
            rtol=1e-6,
        )


NUMBERS = {
    "leaky_relu": (0.2,),
    "elu": (1.3, 1.1, 0.7),
    "softplus": (1.5, 4.0),
    "threshold": (0.4, -2.0),
}


@pytest.mark.parametrize(
    "name",
    ["log_sigmoid", "leaky_relu", "elu", "softplus", "mish", "hardsigmoid", "hardswish", "sigmoid"],
)
def test_slopes_are_those_of_the_values(name: str) -> None:
    x = np.linspace(-5.03, 5.07, 203)
    numbers = NUMBERS.get(name, ())
    forward = lc.dispatch.ops[name].function
    step = 1e-6
    above, below = (forward(lc.from_numpy(x + d).cuda(), *numbers) for d in (step, -step))
    slope = (above - below).cpu().numpy() / (2 * step)
    given = lc.from_numpy(x).cuda()
    if name == "log_sigmoid":
        found = 1 - lc.sigmoid(given)
    else:
        at = forward(given) if name == "sigmoid" else given
        found = lc.dispatch.ops[f"{name}_backward"].function(lc.ones_like(given), at, *numbers)
    np.testing.assert_allclose(found.cpu().numpy(), slope, 1e-6, 1e-7)


def test_limits_belong_to_the_flat_side() -> None:
    x = lc.tensor([-1.0, 0.4, 0.5, float("nan")]).cuda()
    found = lc.dispatch.ops["threshold"].function(x, *NUMBERS["threshold"])
    np.testing.assert_array_equal(found.cpu().numpy(), np.float32([-2, -2, 0.5, np.nan]))
    found = lc.dispatch.ops["threshold_backward"].function(lc.full_like(x, 3.0), x, 0.4)
    np.testing.assert_array_equal(found.cpu().numpy(), np.float32([0, 0, 3, 3]))
    found = lc.dispatch.ops["hardtanh_backward"].function(lc.full_like(x, 3.0), x, -1.0, 0.5)
    np.testing.assert_array_equal(found.cpu().numpy(), np.float32([0, 3, 0, 3]))


def test_in_place() -> None:
    x = lc.linspace(-2, 2, 24).reshape(4, 6).cuda()
    expected = 1 / (1 + np.exp(-x.cpu().numpy()))
    y = x.clone()
    y.t().sigmoid_()
    np.testing.assert_allclose(y.cpu().numpy(), expected, rtol=1e-6)
    y = x.clone()
    y[1:].sigmoid_()
    np.testing.assert_allclose(y.cpu().numpy()[1:], expected[1:], rtol=1e-6)
